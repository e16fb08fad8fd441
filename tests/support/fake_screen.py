"""A screen for the parts of pages: prepared answers instead of a gateway, and what was said and done."""

from collections.abc import Callable
from typing import Any

from millstream.contracts.api.base import Page
from millstream.contracts.errors import MillstreamError
from millstream_dashboards.i18n import Translator
from millstream_dashboards.monitor.formats import Formats
from millstream_dashboards.monitor.selection import Selection


class FakeNotices:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.errors: list[MillstreamError] = []

    def done(self, text: str) -> None:
        self.said.append(text)

    def error(self, error: MillstreamError) -> None:
        self.errors.append(error)


class FakeScreen:
    """``answers`` by operation: a list (or what else the operation gives), or a function of the arguments."""

    def __init__(self, client: Any = None, **answers: Any) -> None:
        self.t, self.f, self.dark = Translator("en"), Formats("en", "UTC"), True
        self.selection = Selection()
        self.notices = FakeNotices()
        self.deployments: list[Any] = answers.pop("deployments", [])
        self.instruments: list[Any] = answers.pop("instruments", [])
        self.permissions: set[Any] = set()
        self._answers, self._client = answers, client

    def may(self, permission: Any) -> bool:
        return permission in self.permissions

    async def read(self, operation: str, **arguments: Any) -> Any:
        found = self._answers[operation]
        return found(**arguments) if callable(found) else found

    async def items(self, operation: str, **arguments: Any) -> list[Any]:
        found = self._answers.get(operation, [])
        return list(found(**arguments) if callable(found) else found)

    every = items

    def asking(self, operation: str) -> Callable[..., Any]:
        async def ask(**arguments: Any) -> Page[Any]:
            return Page[Any](items=tuple(await self.items(operation, **arguments)))

        return ask

    async def learn(self) -> list[Any]:
        return self.instruments

    async def selected(self) -> list[Any]:
        return self.deployments

    async def own(self, action: Callable[[Any], Any]) -> Any:
        return await action(self._client)

    async def command(self, action: Callable[[Any], Any], done: str) -> Any:
        try:
            result = await action(self._client)
        except MillstreamError as error:
            self.notices.error(error)
            return None
        self.notices.done(done)
        return result

    async def attempt(self, action: Callable[[], Any]) -> bool:
        await action()
        return True
