"""The desk of one viewer: built when they are known, and kept live by one task until the page closes."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Iterable
from html import escape
from typing import TYPE_CHECKING, Protocol

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
from .handover import Grant, is_served, receive
from .header import Header
from .positions import Positions
from .quiet import until_asked
from .screen import Screen, column, html, line
from .settings import DeploymentSettings
from .texts import Texts
from .ticket import TicketForm
from .warm import warm

if TYPE_CHECKING:
    import httpx

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
    from IPython import get_ipython
    from IPython.display import display

    if is_served(os.environ):
        until_asked(get_ipython())
    page = Page()
    display(page.root)
    page.begin()


class Page:
    """The root of the widgets: a message until the viewer is known, then their desk."""

    def __init__(self) -> None:
        self._texts = Texts(DEFAULT)
        self._note = html(f'<p class="muted" role="status">{escape(self._texts("loading"))}</p>', "ms-loading")
        self.root = column([self._note], "ms-desk")
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Run in the background of the notebook."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="trading desk")

    async def _run(self) -> None:
        try:
            transport = await warm()
            grant = await receive()
            if grant is None:
                self._say(self._texts, "no_gateway", "no_gateway.hint")
            else:
                await self._serve(grant, transport)
        except* AuthenticationError:
            self._say(self._texts, "logged_out", "reload")
        except* Exception as group:  # whatever it was, a page that has stopped must not look as if it were live
            log.exception("the desk ended")
            self._say(self._texts, "failed", "reload", str(group.exceptions[0]))

    async def _serve(self, grant: Grant, transport: "httpx.AsyncHTTPTransport") -> None:
        async with AsyncClient(grant.url, grant.token, transport=transport) as client:
            # What is shown is read while it is asked who looks at it.
            reading = asyncio.create_task(read(client, Book(), EVERYTHING), name="first reading")
            try:
                me = await client.me()
                self._texts = Texts(me.language)
                desk = Desk(me, client)
                self.root.children = (desk.style, desk.view)
                await desk.live(reading)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _say(self, texts: Texts, what: str, then: str, why: str = "") -> None:
        """Replace everything: nothing that is shown could be acted on any more."""
        link = f'<a href="/login?next=/">{escape(texts("log_in"))}</a>' if what == "logged_out" else ""
        self._note.remove_class("ms-loading")
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
        self._stale: set[str] = set()
        self._wake = asyncio.Event()
        self._screen = Screen(me, client, lambda: self._mark(EVERYTHING), WallClock())
        self._header = Header(self._screen, self._show)
        self._parts: list[View] = [self._header, *_parts(self._screen)]
        sheet = page_sheet()
        self.style = html(f"<style>{sheet.replace(_DARK, ':root') if me.theme == 'dark' else sheet}</style>")
        columns = line([column(self._of("left"), "ms-left"), column(self._of("right"), "ms-right")], "ms-columns")
        asking = [self._screen.confirm.view] if self._screen.acts else []
        self.view = column([self._header.view, *asking, self._screen.notices.view, columns])

    async def live(self, first: Awaitable[Book]) -> None:
        """Show what ``first`` reads, and follow the gateway for ever. Raises an exception group with what ended it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="events")
            tasks.create_task(self._keep_reading(first), name="reading")

    async def _follow(self) -> None:
        async for update in self._client.live(SUBSCRIPTIONS, on_link=self._linked):
            self._mark(_stale(update))

    def _linked(self, linked: bool) -> None:  # noqa: FBT001 - the client's callback
        self._header.link(linked)
        if linked:
            self._mark(EVERYTHING)

    async def _keep_reading(self, first: Awaitable[Book]) -> None:
        await self._take(first, EVERYTHING)
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                self._mark(EVERYTHING)
            self._wake.clear()
            stale, self._stale = self._stale, set()
            await self._take(read(self._client, self._book, stale), stale)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self, reading: Awaitable[Book], stale: Iterable[str]) -> None:
        """Show what is read of the lists that are ``stale``; what fails for now stays so and is said."""
        try:
            self._book = await reading
        except AuthenticationError:
            raise
        except MillstreamError as error:
            self._stale.update(stale)
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

    def _of(self, side: str) -> list[ipywidgets.Widget]:
        places = {Accounts: "left", Positions: "left", Blotter: "left", Deployments: "left"}
        return [one.view for one in self._parts[1:] if places.get(type(one), "right") == side]


_DARK = ':root[data-theme="dark"]'


def _parts(screen: Screen) -> list[View]:
    parts: list[View] = [Accounts(screen), Positions(screen), Deployments(screen), Blotter(screen), Halts(screen)]
    if screen.may(Permission.TRADE):
        parts.append(TicketForm(screen))
    return [*parts, DeploymentSettings(screen)]


def _stale(update: Update) -> Iterable[str]:
    """Lists that an update makes stale. A snapshot comes at the beginning and after a hole: all may have changed."""
    return STALE.get(update.topic, ()) if isinstance(update, LiveEvent) else EVERYTHING
