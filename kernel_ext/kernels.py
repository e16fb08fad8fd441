"""Kernels that belong to the person who started them, and act with that person's token."""

import os
from collections.abc import Mapping
from typing import Any

from jupyter_server.base.call_context import CallContext
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado import web

from .environment import kernel_environment
from .gateway import gateway_url
from .identity import Person, token_of


def asking() -> tuple[Person, str] | None:
    """The person whose request this code runs for, with the token to act with; None outside of a request."""
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    user = getattr(handler, "current_user", None)
    return (user, token_of(handler)) if isinstance(user, Person) else None


class PersonKernels(AsyncMappingKernelManager):
    """Jupyter's kernel manager, with an owner for each kernel and an environment by name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call] # jupyter_server's
        self._owners: dict[str, str] = {}

    def owner_of(self, kernel_id: str) -> str | None:
        """Name of the person who started a kernel; None for a kernel that is not known."""
        return self._owners.get(kernel_id)

    async def start_kernel(self, *, kernel_id: str | None = None, path: Any = None, **kwargs: Any) -> str:  # type: ignore[override] # as jupyter_server does itself
        """Start a kernel for the person who asks. Refuses (403) a request that no known person makes."""
        person, token = _asked()
        kwargs["env"] = kernel_environment(kwargs.get("env") or os.environ, url=gateway_url(), token=token)
        started = await super().start_kernel(kernel_id=kernel_id, path=path, **kwargs)
        self._owners[started] = person.username
        return started

    async def restart_kernel(self, kernel_id: str, now: bool = False) -> Any:  # type: ignore[override] # noqa: FBT001, FBT002 - jupyter_server's signature
        """Restart with a fresh token: the one that the kernel was started with may have ended."""
        if asking() is not None:
            self.update_env(kernel_id=kernel_id, env={})
        return await super().restart_kernel(kernel_id, now=now)  # type: ignore[no-untyped-call] # jupyter_server's

    def update_env(self, *, kernel_id: str, env: Mapping[str, str]) -> None:
        """Variables for the kernel's next start; Jupyter calls this with the server's whole environment."""
        kept = kernel_environment(env, url=gateway_url(), token=_asked()[1])
        super().update_env(kernel_id=kernel_id, env=kept)

    def list_kernels(self) -> list[dict[str, Any]]:
        """The kernels of the person who asks."""
        listed: list[dict[str, Any]] = super().list_kernels()  # type: ignore[no-untyped-call] # jupyter_server's
        asked = asking()
        return [kernel for kernel in listed if asked is not None and self.owner_of(kernel["id"]) == asked[0].username]

    def remove_kernel(self, kernel_id: str) -> Any:
        self._owners.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)


def _asked() -> tuple[Person, str]:
    asked = asking()
    if asked is None:
        raise web.HTTPError(403, "A kernel is started by a person who is logged in.")
    return asked
