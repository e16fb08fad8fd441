"""Kernels of the trader app: each belongs to the one viewer whose page it makes, and ends with that page."""

import os
import time
from collections.abc import Callable
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado import web

from millstream_kernel.environment import passes

from .handover import VARIABLE, Grant, Handover

LONELY_SECONDS = 60.0
MOST_OF_ONE_VIEWER = 8


class ViewerKernels(AsyncMappingKernelManager):
    """Starts kernels without any right, and gives each to one viewer (:class:`millstream_kernel.authorizer` asks).

    A kernel whose page is gone is ended after :data:`LONELY_SECONDS`: its own updates would count as activity for ever.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call] # jupyter_server's
        self._monotonic = monotonic
        self._secrets: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._lonely: dict[str, float] = {}

    @property
    def handover(self) -> Handover:
        """How the app's kernels get their rights."""
        app: Any = self.parent
        found: Handover = app.handover
        return found

    def owner_of(self, kernel_id: str) -> str | None:
        """Name of the viewer of a kernel; None while it has none."""
        return self._owners.get(kernel_id)

    async def start_kernel(self, *, kernel_id: str | None = None, path: Any = None, **kwargs: Any) -> str:  # type: ignore[override] # as jupyter_server does itself
        """Start a kernel that can do nothing yet."""
        secret, value = self.handover.slot()
        base = kwargs.get("env") or os.environ
        kwargs["env"] = {name: base[name] for name in base if _needed(name)} | {VARIABLE: value}
        try:
            started = await super().start_kernel(kernel_id=kernel_id, path=path, **kwargs)
        except BaseException:
            self.handover.drop(secret)
            raise
        self._secrets[started] = secret
        return started

    def give(self, kernel_id: str, user: str, grant: Grant) -> None:
        """Make ``kernel_id`` the viewer's and let it act for them."""
        self.handover.give(self._secrets[kernel_id], grant)
        self._owners[kernel_id] = user
        self._lonely[kernel_id] = self._monotonic()

    def refuse_many(self, user: str) -> None:
        """Raise ``HTTPError`` 429 when ``user`` has as many pages open as one person may."""
        if list(self._owners.values()).count(user) >= MOST_OF_ONE_VIEWER:
            raise web.HTTPError(429, f"{user} has {MOST_OF_ONE_VIEWER} trader pages open: close one first.")

    def remove_kernel(self, kernel_id: str) -> Any:
        self.handover.drop(self._secrets.pop(kernel_id, ""))
        self._owners.pop(kernel_id, None)
        self._lonely.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a viewer's kernel that no page is connected to."""
        if kernel_id not in self._owners:
            return
        now = self._monotonic()
        if self._kernel_connections.get(kernel_id, 0) > 0:
            self._lonely[kernel_id] = now
        elif now - self._lonely[kernel_id] > LONELY_SECONDS:
            self.log.info("No page shows kernel %s any more: ending it.", kernel_id)
            await self.shutdown_kernel(kernel_id)  # type: ignore[no-untyped-call] # jupyter_server's


def _needed(name: str) -> bool:
    """The desk reads the gateway and nothing else: no setting of the installation, and no other viewer's address."""
    return passes(name) and not name.startswith("MILLSTREAM_") and name != "VOILA_REQUEST_URL"


class PageKernels:
    """The kernel manager as one page sees it: the kernel that the page gets is given to the page's viewer."""

    def __init__(self, kernels: Any, user: str, grant: Grant) -> None:
        self._kernels = kernels
        self._user = user
        self._grant = grant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    async def get_rendered_notebook(self, notebook_name: str, **_: Any) -> Any:
        """A preheated kernel with what it has rendered."""
        self._kernels.refuse_many(self._user)
        task, rendered, kernel_id = await self._kernels.get_rendered_notebook(notebook_name=notebook_name)
        self._kernels.give(kernel_id, self._user, self._grant)
        return task, rendered, kernel_id

    async def start_kernel(self, **kwargs: Any) -> str:
        """A kernel started for this page, when no preheated one is left."""
        self._kernels.refuse_many(self._user)
        kernel_id: str = await self._kernels.start_kernel(**kwargs)
        self._kernels.give(kernel_id, self._user, self._grant)
        return kernel_id
