"""Folders for Unix sockets that only this OS user may reach.

Kernels are reached over sockets instead of ports, because a port that was found free may be taken by another kernel
before its own binds it, and because whoever runs on this machine can knock at a port.
"""

import os
import tempfile
from pathlib import Path

# sun_path holds 108 bytes on Linux and 104 on macOS, with the final NUL.
LONGEST_SOCKET_PATH = 103
# What jupyter_client puts into a folder of connections, for its longest name of a kernel.
KERNEL_SOCKET = f"kernel-{'0' * 36}-ipc-5"
_RANDOM = "12345678"
# For a TMPDIR that is too long.
_SHORT = Path("/tmp")  # noqa: S108 - the folder in it is new, and private


def private_folder(prefix: str, deepest: str = KERNEL_SOCKET) -> Path:
    """A new folder ``prefix…`` that only this OS user may enter, short enough for a socket at ``deepest`` in it.

    Whoever asks removes it.
    """
    usual = Path(tempfile.gettempdir())
    fits = len(os.fsencode(usual / f"{prefix}{_RANDOM}" / deepest)) <= LONGEST_SOCKET_PATH
    return Path(tempfile.mkdtemp(prefix=prefix, dir=usual if fits else _SHORT))
