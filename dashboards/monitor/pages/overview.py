"""The first page: money by target and currency, runners, halts, and trades that are open and that closed."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import starmap

import panel as pn

from millstream.contracts.api.reports import Overview, TargetTotals

from ..charts import Lines
from ..figures import equity_lines
from ..html import badge, empty, figure, figures, heading, table, tone_of
from ..listing import Listing
from ..page import Page, beside, card, pane, section
from ..rows import OPEN_TRADES, TRADES, Rows
from ..screen import Screen
from ..series import Line

TRADES_SHOWN = 10


class OverviewPage(Page):
    """Equity, drawdown, day P&L, exposure, runners, halts, balances, frequency of trades, open and closed trades."""

    name = "overview"
    topics = frozenset({"portfolios", "fills", "runners", "halts", "rejections"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._state, self._totals, self._balances = pane(), pane(), pane()
        self._equity = Lines(t("overview.equity"), self.f, dark=screen.dark)
        self._drawdown = Lines(t("overview.drawdown"), self.f, dark=screen.dark, percent=True)
        make, size = Rows(t, self.f).trade, TRADES_SHOWN
        no_open = (t("overview.no_open"), t("overview.no_open_next"), "")
        no_closed = (t("overview.no_closed"), t("overview.no_closed_next"), "")
        self._open = Listing(screen, OPEN_TRADES, make, no_open, self.again, size=size)
        self._closed = Listing(screen, TRADES, make, no_closed, self.again, size=size)
        self._charts = beside(
            card(self._equity.view, title=t("overview.equity")), card(self._drawdown.view, title=t("overview.drawdown"))
        )

    def view(self) -> pn.viewable.Viewable:
        t = self.t
        return pn.Column(
            self._state, self._totals, self._charts,
            section(t("overview.open_trades"), self._open.view),
            section(t("overview.closed_trades"), self._closed.view),
            section(t("overview.balances"), self._balances),
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip

    async def load(self) -> None:
        # Everything is read side by side and shown at once: figures of one moment beside lists of another contradict.
        chosen = self.screen.selection.filters()
        trades = self.screen.asking("list_trades")
        overview, reports, lines, opened, closed = await asyncio.gather(
            self.screen.read("overview", **chosen),
            self.screen.items("report", **chosen),
            equity_lines(self.screen, self.screen.selection.of(self.screen.deployments)),
            self._open.read(trades, open=True, **chosen),
            self._closed.read(trades, open=False, **chosen),
        )
        self._state.object = self._states(overview)
        frequency = {(r.target, r.currency): r.trades_per_day for r in reports}
        self._totals.object = self._groups(overview.totals, frequency)
        self._balances.object = self._cash(overview)
        self._draw(*lines)
        self._open.show(opened)
        self._closed.show(closed)

    def _states(self, overview: Overview) -> str:
        t = self.t
        runners = [
            badge(f"{t.of('state', state)} {count}", _TONES.get(state, "")) for state, count in overview.runners.items()
        ]
        halted = badge(t("overview.halts", count=overview.halts), "bad" if overview.halts else "good")
        rejected = badge(
            t("overview.rejections", count=overview.rejections_today), "warn" if overview.rejections_today else ""
        )
        return f'<div class="heading">{" ".join([*runners, halted, rejected])}</div>'

    def _groups(self, totals: Sequence[TargetTotals], frequency: dict[tuple[str, str], float]) -> str:
        if not totals:
            return empty(self.t("overview.nothing"), self.t("overview.nothing_next"))
        return "".join(self._group(total, frequency.get((total.target, total.currency))) for total in totals)

    def _group(self, total: TargetTotals, frequency: float | None) -> str:
        t, f = self.t, self.f
        after = t("money.after_fees_of", amount=f.money(total.fees, total.currency))
        cards = [
            (
                t("money.equity"),
                f.money(total.equity, total.currency),
                t("money.of", amount=f.money(total.initial_cash, total.currency)),
                "",
            ),
            (
                t("money.day"),
                f.money(total.day_pnl, total.currency, signed=True),
                t("money.utc_day"),
                tone_of(total.day_pnl),
            ),
            (t("money.pnl"), f.money(total.pnl, total.currency, signed=True), after, tone_of(total.pnl)),
            (t("money.drawdown"), f.percent(total.drawdown), t("money.from_peak"), ""),
            (t("money.exposure"), f.money(total.exposure, total.currency), t("money.gross"), ""),
            (t("money.cash"), f.money(total.cash, total.currency), "", ""),
            (t("money.trades"), f"{total.open_trades} / {total.closed_trades}", t("money.open_closed"), ""),
            (t("money.frequency"), f.number(frequency, 2), t("money.per_day"), ""),
        ]
        live = badge(t.of("target", total.target), "live" if total.target == "live" else "")
        return heading(total.currency, live) + figures(starmap(figure, cards)) + "<br>"

    def _cash(self, overview: Overview) -> str:
        t = self.t
        rows = [
            [
                badge(t.of("target", target), "live" if target == "live" else ""),
                currency,
                self.f.money(amount, currency),
            ]
            for target, balances in overview.balances.items()
            for currency, amount in balances.items()
        ]
        return table(t("overview.balances"), [t("col.target"), t("col.currency"), t("money.cash")], rows, [2])

    def _draw(self, equity: Mapping[str, Line], depth: Mapping[str, Line]) -> None:
        self._charts.visible = bool(equity)
        self._equity.show(equity)
        self._drawdown.show(depth)


_TONES = {"running": "good", "failed": "bad", "held": "bad", "starting": "warn", "pending": "warn"}
