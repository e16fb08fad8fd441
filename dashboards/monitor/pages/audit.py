"""Audit: who did what to which thing, when and from where."""

from typing import Any

import panel as pn

from millstream.contracts.api.base import Page as Entries
from millstream.contracts.api.identity import AuditEntry, Permission

from ..listing import Listing
from ..page import Page, button, stack, typed
from ..rows import AUDIT, Rows
from ..screen import Screen
from ..style import sheet
from .history import Period

SHOWN = 50


class Audit(Page):
    """The newest entries, by person, action, subject and period."""

    name = "audit"
    topics = frozenset({"halts", "runners", "orders"})
    pause = 3.0
    permission = Permission.AUDIT

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._period = Period(screen)
        self._texts = {
            name: pn.widgets.TextInput(label=t(f"col.{name}"), stylesheets=[sheet()], width=160, margin=(4, 10, 4, 0))
            for name in ("actor", "action", "subject")
        }
        self._show = button(t("history.show"), "primary")
        self._show.on_click(self.pressed)
        nothing = (t("audit.none"), t("audit.none_next"), "")
        self._list = Listing(screen, AUDIT, Rows(t, self.f).audit, nothing, self.again, size=SHOWN)

    def view(self) -> pn.viewable.Viewable:
        controls = pn.layout.FlexBox(
            *self._texts.values(), *self._period.widgets, self._show, align_items="flex-end", margin=(0, 0, 10, 0)
        )
        return stack(controls, self._list.view)

    async def load(self) -> None:
        given: dict[str, Any] = {name: typed(widget) for name, widget in self._texts.items() if typed(widget)}
        await self._list.load(self._ask, **(given | self._period.filters()))

    async def _ask(self, **filters: Any) -> Entries[AuditEntry]:
        # Read as this person: others who see the same portfolios may not read the audit.
        return await self.screen.own(lambda client: client.list_audit(**filters))
