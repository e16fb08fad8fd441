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


class FreshKernel(AsyncKernelManager):
    """Starts the kernel with ``environment`` and nothing else of this process's."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(kernel_name=NAME, kernel_spec_manager=_OwnInterpreter())
        self._environment = dict(environment)

    async def _async_start_kernel(self, **options: Any) -> None:
        await super()._async_start_kernel(**{**options, "env": dict(self._environment)})

    start_kernel = _async_start_kernel
