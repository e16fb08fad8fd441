"""Handlers under ``/millstream``: the gateway's routes for JupyterLab's panel, and the way to the dashboards.

Live state is polled with ``If-None-Match``: an unchanged answer is a ``304`` without a body, while a stream would hold
one of the six connections that a browser opens to a server, in every tab, beside those of JupyterLab itself.
"""

import json
import os
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from millstream.contracts.api.base import Problem
from millstream.contracts.errors import RetriableError

from ..identity import token_of
from .allowed import is_allowed
from .upstream import SENT, Passed, Upstream

OK = 200
LARGEST_BODY = 1024 * 1024
SCREENS = ("monitor", "trader")


class _GatewayHandler(APIHandler):
    """A handler that asks the gateway as the person of the request."""

    auth_resource = "millstream"

    async def ask(self, method: str, path: str, query: str = "") -> Passed:
        """The gateway's answer; one that does not come is a problem with status 503."""
        upstream: Upstream = self.settings["millstream_upstream"]
        headers = {name: self.request.headers[name] for name in SENT if name in self.request.headers}
        headers["X-Forwarded-For"] = self.request.remote_ip or ""
        try:
            return await upstream.pass_on(
                method, path, query=query, body=self.request.body, headers=headers, token=token_of(self)
            )
        except RetriableError as error:
            return _problem(503, "UNREACHABLE", str(error), error.hint, {"Retry-After": "2"})

    def answer(self, passed: Passed) -> None:
        """Give the browser what the gateway said."""
        self.set_status(passed.status)
        for name, value in passed.headers.items():
            self.set_header(name, value)
        # Jupyter would call every answer JSON; an answer without a body (304) must not be written at all.
        self.finish(passed.body or None, set_content_type=passed.headers.get("Content-Type", "application/json"))


class PassThroughHandler(_GatewayHandler):
    """``/millstream/api/v1/…`` is the gateway's ``/api/v1/…``, for the routes that are allowed."""

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        """Pass a read on, with its query and ``If-None-Match``."""
        await self._pass_on(path)

    @web.authenticated
    @authorized
    async def post(self, path: str) -> None:
        """Pass a command on, with its body and ``Idempotency-Key``."""
        await self._pass_on(path)

    async def _pass_on(self, path: str) -> None:
        # The pattern's group is decoded; the decision is made on what is sent.
        raw = self.request.path.rsplit("/millstream/api/", 1)[1].removeprefix("v1/")
        method = self.request.method or ""
        if not is_allowed(method, raw):
            self.answer(_problem(404, "NOT_FOUND", f"{path} is not offered here", "Ask the gateway itself."))
        elif len(self.request.body) > LARGEST_BODY:
            self.answer(_problem(413, "TOO_LARGE", "The body is larger than 1 MiB", "Send less."))
        else:
            self.answer(await self.ask(method, raw, self.request.query))


class ScreensHandler(_GatewayHandler):
    """``/millstream/api/screens``: where the dashboards are, and the folder whose notebooks are shown."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Addresses by name; an address is empty while the gateway knows none."""
        health = await self.ask("GET", "health")
        if health.status != OK:
            self.answer(health)
            return
        screens = screens_in(health.body, self.settings["millstream_upstream"].url)
        self.finish(json.dumps({**screens, "workspace_root": workspace_root(self.serverapp)}))


class ScreenHandler(JupyterHandler):
    """``/millstream/monitor`` and ``/millstream/trader``: to the dashboards."""

    auth_resource = "millstream"

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Redirect to the screen."""
        upstream: Upstream = self.settings["millstream_upstream"]
        health = await upstream.pass_on("GET", "health", query="", body=b"", headers={}, token=token_of(self))
        address = screens_in(health.body, upstream.url).get(name, "")
        if not address:
            raise web.HTTPError(404, f"The {name} does not run: `millstream up` starts it.")
        self.redirect(address)


def screens_in(health: bytes, gateway: str) -> dict[str, str]:
    """The dashboards' addresses in an answer of ``GET /api/v1/health``."""
    content = json.loads(health)
    known: dict[str, Any] = content.get("screens", {}) if isinstance(content, dict) else {}
    return {"gateway": gateway, **{name: str(known.get(name, "")) for name in SCREENS}}


def workspace_root(app: Any) -> str:
    """The folder of notebooks: promotions name their notebooks by the path under it, as JupyterLab does."""
    return str(app.root_dir) if app is not None else os.environ.get("JUPYTER_SERVER_ROOT", "")


def _problem(status: int, code: str, detail: str, hint: str, headers: dict[str, str] | None = None) -> Passed:
    problem = Problem(title=detail, status=status, detail=detail, code=code, hint=hint)
    kind = {"Content-Type": "application/problem+json"}
    return Passed(status, kind | (headers or {}), problem.model_dump_json().encode())
