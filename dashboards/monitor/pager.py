"""Pages of a long list: the gateway gives a part and a cursor, two buttons go on and back."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from millstream.contracts.api.base import Page

from ..i18n import Translator
from .page import button, pane, row

Item = TypeVar("Item")
Ask = Callable[..., Awaitable[Page[Any]]]
BY_TIME = ("pager.newer", "pager.older")
BY_NAME = ("pager.previous", "pager.next")


class Pager:
    """Where a viewer is in one list. ``again`` reads and shows; it is called when a button was pressed.

    A cursor names the last row of the part before, so that rows which come in meanwhile shift nothing. Another
    selection begins at the first part again. The buttons are there as soon as there is more than one part.
    """

    def __init__(
        self, t: Translator, again: Callable[[], Awaitable[object]], *, size: int, words: tuple[str, str] = BY_TIME
    ) -> None:
        self.size = size
        self._t = t
        self._again = again
        self._filters: dict[str, Any] = {}
        self._before: list[str] = []
        self._next = ""
        self._back, self._on = button(f"‹ {t(words[0])}"), button(f"{t(words[1])} ›")
        self._back.on_click(self._go_back)
        self._on.on_click(self._go_on)
        self._place = pane()
        self._place.sizing_mode = None
        self.view = row(self._back, self._place, self._on)
        self.view.visible = False

    @property
    def number(self) -> int:
        """The part that is shown, from 1."""
        return len(self._before) + 1

    async def read(self, ask: Ask, **filters: Any) -> list[Any]:
        """The items of the part where the viewer is, of ``ask(limit=, cursor=, **filters)``. Raises what it raises."""
        if filters != self._filters:
            self._filters, self._before = filters, []
        page = await self._asked(ask)
        if not page.items and self._before:  # what was here is gone
            self._before = []
            page = await self._asked(ask)
        self._next = page.next
        self._show()
        return list(page.items)

    async def _asked(self, ask: Ask) -> Page[Any]:
        """The part where the viewer is, also where they moved on while it was read."""
        while True:
            before, filters = list(self._before), self._filters
            cursor = {"cursor": before[-1]} if before else {}
            page = await ask(limit=self.size, **cursor, **filters)
            if (before, filters) == (self._before, self._filters):
                return page

    def _show(self) -> None:
        self.view.visible = bool(self._before or self._next)
        self._back.disabled, self._on.disabled = not self._before, not self._next
        text = self._t("pager.page", number=self.number)
        self._place.object = f'<span class="note pager" role="status">{text}</span>'

    async def _go_on(self, _event: object) -> None:
        if self._next:
            self._before.append(self._next)
            self._next = ""  # not known until the part is read: a second press must not come to the same part
            await self._again()

    async def _go_back(self, _event: object) -> None:
        if self._before:
            self._before.pop()
            await self._again()


def parts(items: Sequence[Item]) -> Ask:
    """A list that is here in whole, to be asked for its parts as the gateway is for those of its own."""

    async def ask(*, limit: int, cursor: str = "", **_filters: Any) -> Page[Any]:
        begin = int(cursor or 0)
        following = begin + limit
        return Page[Any](items=tuple(items[begin:following]), next=str(following) if following < len(items) else "")

    return ask
