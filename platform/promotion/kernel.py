"""A fresh kernel of this very interpreter, whatever kernels are installed, with a scrubbed environment."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from ..ops.sockets import private_folder

NAME = "python3"
LOOK_AGAIN_SECONDS = 0.5


class Channel(AsyncZMQSocketChannel):
    """A channel to the kernel that looks again by itself.

    On a busy machine asyncio is not always told that ZeroMQ has a message (its file descriptor tells about changes
    only). Who waits then sees the message when the time limit of the whole wait is over: a cell that took a second
    would end after five minutes.
    """

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]
        """The next message. Raises :class:`queue.Empty` after ``timeout`` seconds without one."""
        end = None if timeout is None else monotonic() + timeout
        while True:
            left = LOOK_AGAIN_SECONDS if end is None else end - monotonic()
            try:
                return await super().get_msg(timeout=max(0.0, min(LOOK_AGAIN_SECONDS, left)))
            except Empty:
                if left <= 0:
                    raise


class Client(AsyncKernelClient):
    """A client with such channels."""

    shell_channel_class = Channel
    iopub_channel_class = Channel
    control_channel_class = Channel
    stdin_channel_class = Channel


class _OwnInterpreter(KernelSpecManager):
    """Whatever name is asked for, it is this interpreter's kernel."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - jupyter_client's signature
        # The kernel's own warnings (a local connection is not encrypted) are not the user's; a crash is still printed.
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        return KernelSpec(argv=argv, display_name="Python (Millstream)", language="python")


@contextmanager
def fresh_kernel(environment: Mapping[str, str]) -> Iterator[type[AsyncKernelManager]]:
    """A manager whose kernel gets ``environment`` and nothing else of this process's, in a folder that ends with it.

    A class, not an object: nbclient shuts down the kernel of a manager that it made itself, and no other.
    """
    folder = private_folder("ms-kernel-")
    try:
        yield _manager(dict(environment), folder)
    finally:
        # A kernel that is just ending takes its own files away too.
        shutil.rmtree(folder, ignore_errors=True)


def _manager(variables: dict[str, str], folder: Path) -> type[AsyncKernelManager]:
    class FreshKernel(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            own = {"kernel_name": NAME, "kernel_spec_manager": _OwnInterpreter(), "transport": "ipc"}
            super().__init__(**{**options, **own, "connection_file": str(folder / f"kernel-{uuid4()}.json")})
            self.client_factory = Client

        async def _async_start_kernel(self, **options: Any) -> None:
            await super()._async_start_kernel(**{**options, "env": dict(variables)})

        start_kernel = _async_start_kernel

    return FreshKernel
