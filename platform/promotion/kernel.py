"""A fresh kernel of this very interpreter, whatever kernels are installed, with a scrubbed environment."""

import sys
from collections.abc import Mapping
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

NAME = "python3"


class _OwnInterpreter(KernelSpecManager):
    """Whatever name is asked for, it is this interpreter's kernel."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - jupyter_client's signature
        # The kernel's own warnings (a local connection is not encrypted) are not the user's; a crash is still printed.
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        return KernelSpec(argv=argv, display_name="Python (Millstream)", language="python")


def fresh_kernel(environment: Mapping[str, str]) -> type[AsyncKernelManager]:
    """A manager whose kernel gets ``environment`` and nothing else of this process's.

    A class, not an object: nbclient shuts down the kernel of a manager that it made itself, and no other.
    """
    variables = dict(environment)

    class FreshKernel(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "kernel_name": NAME, "kernel_spec_manager": _OwnInterpreter()})

        async def _async_start_kernel(self, **options: Any) -> None:
            await super()._async_start_kernel(**{**options, "env": dict(variables)})

        start_kernel = _async_start_kernel

    return FreshKernel
