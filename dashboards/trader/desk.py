"""The desk of one viewer: built when they are known, and kept live by one task until the page closes."""

import asyncio
import logging
from collections.abc import Iterable
from html import escape
from typing import Protocol

import ipywidgets

from millstream.client import AsyncClient, AuthenticationError, LiveEvent, Update
from millstream.contracts.api.identity import Me, Permission
from millstream.contracts.errors import MillstreamError
from millstream.ops.clock import WallClock
from millstream_dashboards.i18n import DEFAULT
from millstream_dashboards.monitor.style import page_sheet

from .accounts import Accounts
from .blotter import Blotter
from .book import EVERYTHING, STALE, SUBSCRIPTIONS, Book, read
from .deployments import Deployments
from .halts import Halts
from .handover import Grant, receive
from .header import Header
from .positions import Positions
from .screen import Screen, html
from .settings import DeploymentSettings
from .texts import Texts
from .ticket import TicketForm

# At most one reading in this many seconds, whatever happens; all is read anew after this long without an event.
PAUSE_SECONDS = 0.5
IDLE_SECONDS = 15.0
log = logging.getLogger("millstream.trader")


class View(Protocol):
    """A part of the desk."""

    view: ipywidgets.Widget

    def show(self, book: Book) -> None:
        """Show what is known."""


def open_desk() -> None:
    """Display the desk and begin its task. The loop of the kernel runs it."""
    from IPython.display import display

    page = Page()
    display(page.root)
    page.begin()


class Page:
    """The root of the widgets: a message until the viewer is known, then their desk."""

    def __init__(self) -> None:
        self._texts = Texts(DEFAULT)
        self._note = html(f'<p class="muted" role="status">{escape(self._texts("loading"))}</p>')
        self.root = ipywidgets.VBox([self._note])
        self.root.add_class("ms-desk")
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Run in the background of the notebook."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="trading desk")

    async def _run(self) -> None:
        _prepare()
        try:
            grant = await receive()
            if grant is None:
                self._say(self._texts, "no_gateway", "no_gateway.hint")
            else:
                await self._serve(grant)
        except* AuthenticationError:
            self._say(self._texts, "logged_out", "reload")
        except* Exception as group:  # whatever it was, a page that has stopped must not look as if it were live
            log.exception("the desk ended")
            self._say(self._texts, "failed", "reload", str(group.exceptions[0]))

    async def _serve(self, grant: Grant) -> None:
        async with AsyncClient(grant.url, grant.token) as client:
            me = await client.me()
            self._texts = Texts(me.language)
            desk = Desk(me, client)
            self.root.children = (desk.style, desk.view)
            await desk.live()

    def _say(self, texts: Texts, what: str, then: str, why: str = "") -> None:
        """Replace everything: nothing that is shown could be acted on any more."""
        link = f'<a href="/login?next=/">{escape(texts("log_in"))}</a>' if what == "logged_out" else ""
        self._note.value = (
            f'<div class="notice bad" role="alert"><b>{escape(texts(what))}</b> {escape(why)} '
            f"{escape(texts(then))} {link}</div>"
        )
        self.root.children = (self._note,)


class Desk:
    """Every part of the desk, what it knows, and the reading of what became stale."""

    def __init__(self, me: Me, client: AsyncClient) -> None:
        self._client = client
        self._book = Book()
        self._stale: set[str] = set(EVERYTHING)
        self._wake = asyncio.Event()
        self._screen = Screen(me, client, lambda: self._mark(EVERYTHING), WallClock())
        self._header = Header(self._screen, self._show)
        self._parts: list[View] = [self._header, *_parts(self._screen)]
        sheet = page_sheet()
        self.style = html(f"<style>{sheet.replace(_DARK, ':root') if me.theme == 'dark' else sheet}</style>")
        left, right = ipywidgets.VBox(self._column("left")), ipywidgets.VBox(self._column("right"))
        left.add_class("ms-left")
        right.add_class("ms-right")
        columns = ipywidgets.HBox([left, right])
        columns.add_class("ms-columns")
        asking = [self._screen.confirm.view] if self._screen.acts else []
        self.view = ipywidgets.VBox([self._header.view, *asking, self._screen.notices.view, columns])

    async def live(self) -> None:
        """Follow the gateway for ever. Raises an exception group with what ended it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="events")
            tasks.create_task(self._keep_reading(), name="reading")

    async def _follow(self) -> None:
        async for update in self._client.live(SUBSCRIPTIONS, on_link=self._linked):
            self._mark(_stale(update))

    def _linked(self, linked: bool) -> None:  # noqa: FBT001 - the client's callback
        self._header.link(linked)
        if linked:
            self._mark(EVERYTHING)

    async def _keep_reading(self) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                self._mark(EVERYTHING)
            self._wake.clear()
            stale, self._stale = self._stale, set()
            await self._read(stale)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self, stale: set[str]) -> None:
        """Read what is stale and show it; what fails for now stays stale and is said."""
        try:
            self._book = await read(self._client, self._book, stale)
        except AuthenticationError:
            raise
        except MillstreamError as error:
            self._stale |= stale
            self._screen.notices.problem(error)
            return
        self._show()

    def _mark(self, names: Iterable[str]) -> None:
        self._stale.update(names)
        self._wake.set()

    def _show(self) -> None:
        book = self._book.of(self._screen.target)
        for part in self._parts:
            part.show(book)

    def _column(self, side: str) -> list[ipywidgets.Widget]:
        places = {Accounts: "left", Positions: "left", Blotter: "left", Deployments: "left"}
        return [one.view for one in self._parts[1:] if places.get(type(one), "right") == side]


_DARK = ':root[data-theme="dark"]'


def _parts(screen: Screen) -> list[View]:
    parts: list[View] = [Accounts(screen), Positions(screen), Deployments(screen), Blotter(screen), Halts(screen)]
    if screen.may(Permission.TRADE):
        parts.append(TicketForm(screen))
    return [*parts, DeploymentSettings(screen)]


def _prepare() -> None:
    """Import what the first request needs while nobody waits for it yet."""
    import httpx  # noqa: F401
    import picows.websockets  # noqa: F401


def _stale(update: Update) -> Iterable[str]:
    """Lists that an update makes stale. A snapshot comes at the beginning and after a hole: all may have changed."""
    return STALE.get(update.topic, ()) if isinstance(update, LiveEvent) else EVERYTHING
