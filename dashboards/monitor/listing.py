"""A live table of a long list, with its pages."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .page import stack
from .pager import BY_TIME, Ask, Pager
from .screen import Screen
from .tables import Column, LiveTable, Row

SIZE = 20


class Listing:
    """Rows of one part of a list of the gateway; ``make`` makes a row of an item, ``again`` loads the page."""

    def __init__(
        self, screen: Screen, columns: Sequence[Column], make: Callable[[Any], Row], nothing: tuple[str, str, str],
        again: Callable[[], Awaitable[object]], *, size: int = SIZE, words: tuple[str, str] = BY_TIME,
    ) -> None:  # fmt: skip
        self._make = make
        self._table = LiveTable(screen.t, screen.f, columns, nothing)
        self._pager = Pager(screen.t, again, size=size, words=words)
        self.view = stack(self._table.view, self._pager.view)

    async def load(self, ask: Ask, **filters: Any) -> list[Any]:
        """Read and show the part where the viewer is; gives its items. Raises what ``ask`` raises."""
        items = await self.read(ask, **filters)
        self.show(items)
        return items

    async def read(self, ask: Ask, **filters: Any) -> list[Any]:
        """The items of the part where the viewer is, for :meth:`show`. Raises what ``ask`` raises."""
        return await self._pager.read(ask, **filters)

    def show(self, items: Sequence[Any]) -> None:
        """Show items that were read."""
        self._table.show([self._make(item) for item in items])
