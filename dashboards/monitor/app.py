"""The server: one route a page, health and metrics beside them."""

import logging
from collections.abc import Callable
from contextvars import Context
from secrets import token_urlsafe
from typing import Any, cast

import panel as pn
from bokeh.server.server import Server
from panel.theme.fast import Fast
from tornado.web import RedirectHandler

from millstream.contracts.clock import Clock

from .auth import GatewayAuth, viewer_of
from .config import Config
from .feed import Feeds
from .gateway import Connect, connector
from .layout import Frame
from .pages import PAGES, Page
from .probes import Health, Metrics, Probe
from .selection import Selection
from .session import Session

KEEP_MS = 15_000
log = logging.getLogger(__name__)


class Monitor:
    """Everything that the sessions of this process share.

    A session without its browser is closed after ``keep_ms``; ``connect`` replaces the client of the gateway.
    """

    def __init__(self, config: Config, clock: Clock, connect: Connect | None = None, *, keep_ms: int = KEEP_MS) -> None:
        self._keep_ms = keep_ms
        self.config = config
        self.connect = connect or connector(config.gateway)
        self.clock = clock
        self.feeds = Feeds(self.connect, clock)

    def page(self, kind: type[Page]) -> Frame:
        """A new session of a page, for the document that is being made."""
        # Panel begins a task of the process with its first busy session, whose context, and so whose document, that
        # task would keep for ever: it begins here, outside of any.
        Context().run(pn.state._schedule_busy_cleanup)  # noqa: SLF001 - Panel has no other way
        request = cast("Any", pn.state.curdoc).session_context.request
        viewer = viewer_of(request)
        if not viewer.may(kind.permission):
            kind = PAGES[0]
        session = Session(
            kind, viewer, Selection.parse(request.arguments), self.feeds, self.connect, self.config.gateway, self.clock
        )
        return session.open()

    def _opener(self, kind: type[Page]) -> Callable[[], Frame]:
        def opened() -> Frame:  # Panel takes a plain function only, not a partial one
            return self.page(kind)

        return opened

    def server(self) -> Server:
        """The server, not yet started. Port 0 takes a free one (``server.port``)."""
        pn.extension(
            "tabulator", notifications=False, reconnect=True, disconnect_notification="", ready_notification=""
        )
        # The design would load its font from another site; the monitor loads nothing from elsewhere.
        Fast._resources.pop("font", None)  # noqa: SLF001 - Panel has no other way
        probe = Probe(self.feeds)
        pages: dict[str, Any] = {page.name: self._opener(page) for page in PAGES}
        server: Server = pn.io.server.get_server(
            pages,
            port=self.config.port,
            address=self.config.bind,
            start=False,
            show=False,
            verbose=False,
            title="Millstream",
            auth_provider=GatewayAuth(self.connect, self.config.gateway),
            # The cookies of the login stay out of what the page can read.
            include_cookies=[],
            include_headers=["Host"],
            sign_sessions=True,
            secret_key=token_urlsafe(32),
            session_token_expiration=300,
            unused_session_lifetime_milliseconds=self._keep_ms,
            check_unused_sessions_milliseconds=self._keep_ms // 3,
            websocket_origin=self.config.origins(self.config.port),
            extra_patterns=[
                (r"/", RedirectHandler, {"url": "./overview", "permanent": False}),
                (r"/healthz", Health, {"probe": probe}),
                (r"/metrics", Metrics, {"probe": probe}),
            ],
        )
        probe.server = server
        server._tornado._websocket_origins = set(self.config.origins(int(server.port or 0)))  # noqa: SLF001 - known only now
        return server
