"""Trade history: every round trip of a period, with the indicators of its decision, as a table and as CSV."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any

import panel as pn

from ..listing import Listing
from ..page import Page, button, stack
from ..rows import TRADES, Rows
from ..screen import Screen
from ..style import sheet

SHOWN = 50


def day_start(day: date | None, screen: Screen) -> datetime | None:
    """The first moment of a day on the viewer's clock, in UTC."""
    return None if day is None else datetime.combine(day, time.min, tzinfo=screen.f.zone).astimezone(UTC)


class Period:
    """Two dates, both included, on the viewer's clock; left empty they do not restrict."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        options: dict[str, Any] = {"stylesheets": [sheet()], "width": 160, "margin": (4, 10, 4, 0)}
        self._from = pn.widgets.DatePicker(label=screen.t("period.from"), **options)
        self._to = pn.widgets.DatePicker(label=screen.t("period.to"), **options)
        self.widgets = [self._from, self._to]

    def filters(self) -> dict[str, datetime]:
        """``start`` and ``end`` for the client, as far as they are given."""
        after = None if self._to.value is None else self._to.value + timedelta(days=1)
        limits = {"start": day_start(self._from.value, self._screen), "end": day_start(after, self._screen)}
        return {name: moment for name, moment in limits.items() if moment is not None}


class History(Page):
    """Trades of a period and a selection; the export has the same."""

    name = "history"
    topics = frozenset({"fills"})
    pause = 2.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._period = Period(screen)
        self._target = pn.widgets.Select(
            label=t("col.target"),
            options={t("history.both"): "", t("target.paper"): "paper", t("target.live"): "live"},
            stylesheets=[sheet()], width=160, margin=(4, 10, 4, 0),
        )  # fmt: skip
        self._show = button(t("history.show"), "primary")
        self._show.on_click(self.pressed)
        self._export = pn.widgets.FileDownload(
            callback=self._csv, filename="trades.csv", label=t("history.export"), embed=False, auto=True,
            css_classes=["quiet"], stylesheets=[sheet()], margin=(4, 8, 4, 0),
        )  # fmt: skip
        nothing = (t("history.none"), t("history.none_next"), "")
        self._list = Listing(screen, TRADES, Rows(t, self.f).trade, nothing, self.again, size=SHOWN)

    def view(self) -> pn.viewable.Viewable:
        controls = pn.layout.FlexBox(
            *self._period.widgets, self._target, self._show, self._export, align_items="flex-end", margin=(0, 0, 10, 0)
        )
        return stack(controls, self._list.view)

    def _filters(self) -> dict[str, Any]:
        target = {"target": self._target.value} if self._target.value else {}
        return self.screen.selection.filters() | self._period.filters() | target

    async def load(self) -> None:
        await self._list.load(self.screen.asking("list_trades"), **self._filters())

    async def _csv(self) -> StringIO:
        filters = self._filters()
        return StringIO(await self.screen.own(lambda client: client.export_trades(**filters)))
