"""Where the app's Unix sockets are: the one of the handover and five of each kernel, for this OS user only.

Kernels are reached over sockets instead of ports, because a port that was found free may be taken by another kernel
before its own binds it, and because whoever runs on this machine can knock at a port.
"""

import os
import tempfile
from pathlib import Path

# sun_path holds 108 bytes on Linux and 104 on macOS, with the final NUL.
LONGEST_SOCKET_PATH = 103
_PREFIX = "ms-trader-"
# What Voila and jupyter_client put below the folder: a folder of their own, and a socket named after the kernel's UUID.
_DEEPEST = f"{_PREFIX}12345678/voila_12345678/kernel-{'0' * 36}-ipc-5"
# For a TMPDIR that is too long.
_SHORT = Path("/tmp")  # noqa: S108 - the folder in it is new, and private


def private_folder() -> Path:
    """A new folder that only this OS user may enter, short enough for the names of the sockets in it."""
    usual = Path(tempfile.gettempdir())
    fits = len(os.fsencode(usual / _DEEPEST)) <= LONGEST_SOCKET_PATH
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=usual if fits else _SHORT))
