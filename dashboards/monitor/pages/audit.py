"""Audit: who did what to which thing, when and from where."""

from typing import Any

import panel as pn

from millstream.contracts.api.identity import Permission

from ..page import Page, button, stack, typed
from ..rows import AUDIT, Rows
from ..screen import Screen
from ..style import sheet
from ..tables import LiveTable
from .history import Period

SHOWN = 500


class Audit(Page):
    """The newest entries, by person, action, subject and period."""

    name = "audit"
    topics = frozenset({"halts", "runners", "orders"})
    pause = 3.0
    permission = Permission.AUDIT

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._rows = Rows(t, self.f)
        self._period = Period(screen)
        self._texts = {
            name: pn.widgets.TextInput(label=t(f"col.{name}"), stylesheets=[sheet()], width=160, margin=(4, 10, 4, 0))
            for name in ("actor", "action", "subject")
        }
        self._show = button(t("history.show"), "primary")
        self._show.on_click(self._pressed)
        self._table = LiveTable(t, self.f, AUDIT, (t("audit.none"), t("audit.none_next"), ""))

    def view(self) -> pn.viewable.Viewable:
        controls = pn.layout.FlexBox(
            *self._texts.values(), *self._period.widgets, self._show, align_items="flex-end", margin=(0, 0, 10, 0)
        )
        return stack(controls, self._table.view)

    async def load(self) -> None:
        given: dict[str, Any] = {name: typed(widget) for name, widget in self._texts.items() if typed(widget)}
        # Read as this person: others who see the same portfolios may not read the audit.
        async with self.screen.client() as client:
            page = await client.list_audit(limit=SHOWN, **(given | self._period.filters()))
        self._table.show([self._rows.audit(entry) for entry in page.items])

    async def _pressed(self, _event: object) -> None:
        await self.screen.attempt(self.load)
