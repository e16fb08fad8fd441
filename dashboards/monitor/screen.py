"""One open page: its viewer, their language, what they selected, and the commands they give."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from millstream.client import AsyncClient
from millstream.contracts.api.base import Page
from millstream.contracts.api.identity import Me, Permission
from millstream.contracts.api.market import Instrument
from millstream.contracts.api.promotion import Deployment
from millstream.contracts.errors import InputError, MillstreamError

from ..i18n import Translator
from .feed import Feed
from .formats import Formats
from .gateway import Connect, Viewer, apart
from .notices import Notices
from .selection import Selection

Result = TypeVar("Result")
MOST = 1000
CEILING = 10_000


class Screen:
    """What every page works with. Reads are shared with other sessions, commands go out as the viewer."""

    def __init__(self, viewer: Viewer, feed: Feed, connect: Connect, gateway: str, selection: Selection) -> None:
        self.viewer = viewer
        self.feed = feed
        self.gateway = gateway
        self.selection = selection
        self.t = Translator(viewer.me.language)
        self.f = Formats(viewer.me.language, viewer.me.time_zone)
        self.notices = Notices(self.t)
        self.deployments: list[Deployment] = []
        self.instruments: list[Instrument] = []
        self._connect = connect

    @property
    def me(self) -> Me:
        """Who looks."""
        return self.viewer.me

    @property
    def dark(self) -> bool:
        """Whether the viewer likes the dark theme."""
        return self.me.theme != "light"

    def may(self, permission: Permission) -> bool:
        """Whether to show a command that needs ``permission``."""
        return self.viewer.may(permission)

    async def read(self, operation: str, **arguments: Any) -> Any:
        """A read of the gateway, by the name of the client's method. Raises :class:`MillstreamError`."""
        return await self.feed.read(operation, **arguments)

    def asking(self, operation: str) -> Callable[..., Awaitable[Page[Any]]]:
        """A list of the gateway, to be asked for its parts."""
        return partial(self.read, operation)

    async def items(self, operation: str, **arguments: Any) -> list[Any]:
        """The first page of a list."""
        page = await self.read(operation, **arguments)
        return list(page.items)

    async def every(self, operation: str, **arguments: Any) -> list[Any]:
        """All of a list that is to be chosen from, page after page; at most about :data:`CEILING`."""
        page = await self.read(operation, limit=MOST, **arguments)
        found = list(page.items)
        while page.next and len(found) < CEILING:
            page = await self.read(operation, limit=MOST, cursor=page.next, **arguments)
            found += page.items
        return found

    async def selected(self) -> list[Deployment]:
        """The selected deployments, as they are now."""
        self.deployments = await self.every("list_deployments")
        missing = {name for one in self.deployments for name in one.instruments if not self.f.knows(name)}
        if missing or not self.instruments:
            await self.learn()
        return self.selection.of(self.deployments)

    async def learn(self) -> list[Instrument]:
        """The instruments, as they are now; prices and quantities are written with their digits from now on."""
        self.instruments = await self.every("list_instruments")
        self.f.learn(self.instruments)
        return self.instruments

    async def own(self, action: Callable[[AsyncClient], Awaitable[Result]]) -> Result:
        """Do something as the viewer, through a client of their own. Raises :class:`MillstreamError`."""
        return await apart(self._act(action))

    async def _act(self, action: Callable[[AsyncClient], Awaitable[Result]]) -> Result:
        async with self._connect(self.viewer.token) as client:
            return await action(client)

    async def command(self, action: Callable[[AsyncClient], Awaitable[Result]], done: str) -> Result | None:
        """Give a command and say ``done``, a text. Refused: its message and hint are shown, and None comes back."""
        try:
            result = await self.own(action)
        except MillstreamError as error:
            self.notices.error(error)
            return None
        except ValidationError as error:
            self.notices.error(self._faults(error))
            return None
        self.notices.done(done)
        return result

    def _faults(self, error: ValidationError) -> InputError:
        """What is wrong with a form, by the names of its fields."""
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return InputError(self.t("form.invalid", faults=faults), hint=self.t("form.invalid_hint"))

    async def attempt(self, action: Callable[[], Awaitable[object]]) -> bool:
        """Do something that reads; what fails is shown. Tells whether it succeeded."""
        try:
            await action()
        except MillstreamError as error:
            self.notices.error(error)
            return False
        return True
