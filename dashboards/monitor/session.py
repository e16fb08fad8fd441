"""One browser tab: its page, its selection and the beat at which it follows the feed."""

import asyncio
from html import escape
from typing import Any, cast

import panel as pn
from bokeh.application.application import SessionContext

from millstream.client import AuthenticationError
from millstream.contracts.clock import Clock
from millstream.contracts.errors import MillstreamError

from .feed import Feeds
from .gateway import Connect, Viewer, apart
from .layout import Frame, frame, live_badge, navigation, who
from .page import button, pane
from .pages import PAGES, Page
from .screen import Screen
from .selection import Selection
from .sidebar import Sidebar

BEAT_MS = 500
CHECK_SECONDS = 30
IDLE_SECONDS = 15
SECOND = 1_000_000_000


class Session:
    """Builds the page, loads it when the browser has it, and follows the feed until the tab closes."""

    def __init__(  # noqa: PLR0917 - what a tab consists of
        self, kind: type[Page], viewer: Viewer, selection: Selection, feeds: Feeds, connect: Connect, gateway: str,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._beat: pn.io.PeriodicCallback | None = None
        self._clock = clock
        self._feeds = feeds
        self._viewer = viewer
        self.screen = Screen(viewer, feeds.attach(self, viewer), connect, gateway, selection)
        pn.state.on_session_destroyed(self._destroyed)
        self.page = kind(self.screen)
        self._pages = [page.name for page in PAGES if viewer.may(page.permission)]
        self._nav = pane(navigation(self.screen, self._pages, kind.name))
        self._live = pane(live_badge(self.screen))
        self._problem = pane()
        self._sidebar = Sidebar(self.screen, self._select)
        self._seen: dict[str, int] = {}
        self._document: Any = pn.state.curdoc
        self.loads = 0
        self._loaded = self._checked = clock.monotonic()
        self._busy = False

    def open(self) -> Frame:
        """The page as a template; it loads when the browser is connected."""
        made = frame(
            self.screen, self.page.name,
            side=[self._nav, self._sidebar.view], top=[self._live, who(self.screen), *self._account()],
        )  # fmt: skip
        content = pn.Column(
            self._problem, self.screen.notices.view, self.page.view(), sizing_mode="stretch_width", margin=0
        )
        cast("Any", made.main).append(content)
        pn.state.onload(self._start)
        return made

    async def _start(self) -> None:
        self._beat = pn.state.add_periodic_callback(cast("Any", self._tick), period=BEAT_MS)
        await self._load()

    @property
    def watched(self) -> bool:
        """Whether a browser is connected. The session of a closed tab stays for a while, in case it comes back."""
        context: Any = self._document.session_context
        return any(one.connection_count for one in context.server_context.sessions if one.id == context.id)

    async def _tick(self) -> None:
        if self._busy or not self.watched:
            return
        self._live.object = live_badge(self.screen)
        now = self._clock.monotonic()
        if now - self._checked > CHECK_SECONDS * SECOND:
            self._checked = now
            await self._check()
        waited = now - self._loaded
        changes = self.screen.feed.changes
        changed = any(changes[topic] != self._seen.get(topic, 0) for topic in self.page.topics)
        if (changed and waited >= self.page.pause * SECOND) or waited > IDLE_SECONDS * SECOND:
            await self._load()

    async def _load(self) -> None:
        """Load the page; what fails is said above it, and what it showed stays."""
        self._busy = True
        self._seen = dict(self.screen.feed.changes)
        try:
            await self._sidebar.load()
            await self.page.load()
        except MillstreamError as error:
            self._say(error)
        else:
            self._problem.object = ""
        finally:
            self._busy = False
            self.loads += 1
            self._loaded = self._clock.monotonic()

    def _say(self, error: MillstreamError) -> None:
        hint = f'<div class="hint">{escape(error.hint)}</div>' if error.hint else ""
        self._problem.object = f'<div class="notice bad" role="alert"><b>{escape(str(error))}</b>{hint}</div>'

    async def _check(self) -> None:
        """Whether the viewer is still logged in and may still see and do the same; else the page starts anew."""
        try:
            me = await self.screen.own(lambda client: client.me())
        except AuthenticationError as error:
            self._say(error)
            self._stop()
            self._reload()
        except MillstreamError as error:
            self._say(error)
        else:
            if (me.permissions, me.portfolios) != (self._viewer.me.permissions, self._viewer.me.portfolios):
                self._reload()

    async def _select(self, selection: Selection) -> None:
        self.screen.selection = selection
        self._nav.object = navigation(self.screen, self._pages, self.page.name)
        if pn.state.location is not None:
            pn.state.location.search = selection.query()
        await self._load()

    def _account(self) -> list[pn.viewable.Viewable]:
        t, dark = self.screen.t, self.screen.dark
        theme = button(("☀ " if dark else "☾ ") + t("frame.to_light" if dark else "frame.to_dark"))
        theme.on_click(self._switch_theme)
        leave = button(t("frame.log_out"))
        leave.on_click(self._log_out)
        return [theme, leave]

    async def _switch_theme(self, _event: object) -> None:
        theme = "light" if self.screen.dark else "dark"
        if await self.screen.command(lambda client: client.change_me(theme=theme), self.screen.t("settings.saved")):
            self._reload()

    async def _log_out(self, _event: object) -> None:
        if await self.screen.command(lambda client: client.logout(), self.screen.t("frame.logged_out")):
            self._reload()

    @staticmethod
    def _reload() -> None:
        if pn.state.location is not None:
            pn.state.location.reload = True

    def _stop(self) -> None:
        beat, self._beat = self._beat, None
        if beat is not None:
            beat.stop()

    def _destroyed(self, _context: SessionContext) -> None:
        self._stop()
        leaving = apart(self._feeds.detach(self, self.screen.feed))
        _LEAVING.add(leaving)
        leaving.add_done_callback(_LEAVING.discard)


# The loop holds its tasks weakly: these must finish.
_LEAVING: set["asyncio.Future[None]"] = set()
