"""Analytics: reports over any period and selection, by strategy, instrument, day and month, with drawdowns."""

from html import escape
from itertools import starmap

import panel as pn

from millstream.contracts.api.reports import BacktestComparison, Report

from ..charts import Lines
from ..figures import equity_lines
from ..html import badge, empty, figure, figures, heading
from ..page import Page, beside, button, card, pane, section, stack
from ..report_html import attribution, drawdowns, months, periods, report_cards
from ..screen import Screen
from .history import Period

COMPARED = 20


class Analytics(Page):
    """One report for each target and currency: the two are never added."""

    name = "analytics"
    topics = frozenset({"fills"})
    pause = 5.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._period = Period(screen)
        self._show = button(t("history.show"), "primary")
        self._show.on_click(self.pressed)
        self._reports, self._backtest = pane(), pane()
        self._equity = Lines(t("overview.equity"), self.f, dark=screen.dark, height=220)
        self._drawdown = Lines(t("overview.drawdown"), self.f, dark=screen.dark, height=220, percent=True)
        self._charts = beside(
            card(self._equity.view, title=t("overview.equity")), card(self._drawdown.view, title=t("overview.drawdown"))
        )

    def view(self) -> pn.viewable.Viewable:
        controls = pn.layout.FlexBox(*self._period.widgets, self._show, align_items="flex-end", margin=(0, 0, 10, 0))
        return stack(controls, self._charts, self._reports, section(self.t("analytics.backtest"), self._backtest))

    async def load(self) -> None:
        period = self._period.filters()
        reports = await self.screen.items("report", **self.screen.selection.filters(), **period)
        nothing = empty(self.t("analytics.none"), self.t("analytics.none_next"))
        self._reports.object = "".join(self._report(report) for report in reports) or nothing
        deployments = self.screen.selection.of(self.screen.deployments)
        equity, depth = await equity_lines(self.screen, deployments, **period)
        self._charts.visible = bool(equity)
        self._equity.show(equity)
        self._drawdown.show(depth)
        compared = [
            self._comparison(await self.screen.read("compare_backtest", deployment=one.deployment), one.currency)
            for one in deployments[:COMPARED]
        ]
        self._backtest.object = "".join(compared) or empty(
            self.t("analytics.no_backtest"), self.t("analytics.no_backtest_next")
        )

    def _report(self, report: Report) -> str:
        t, f = self.t, self.f
        live = badge(t.of("target", report.target), "live" if report.target == "live" else "")
        span = f'<span class="muted">{escape(f.date(report.start))} – {escape(f.date(report.end))}</span>'
        parts = [
            heading(report.currency, f"{live} {span}"),
            report_cards(t, f, report),
            heading(t("analytics.by_strategy"), level=3),
            attribution(t, f, t("analytics.by_strategy"), report.by_strategy, report.currency),
            heading(t("analytics.by_instrument"), level=3),
            attribution(t, f, t("analytics.by_instrument"), report.by_instrument, report.currency),
            heading(t("analytics.months"), level=3),
            months(t, f, report.months, report.currency),
            heading(t("analytics.days"), level=3),
            periods(t, f, t("analytics.days"), report.days, report.currency),
            heading(t("analytics.drawdowns"), level=3),
            drawdowns(t, f, report.drawdowns),
        ]
        return "".join(parts) + "<br>"

    def _comparison(self, one: BacktestComparison, currency: str) -> str:
        t, f = self.t, self.f
        cards = starmap(figure, [
            (t("analytics.orders_paper"), str(one.orders_paper), "", ""),
            (t("analytics.orders_backtest"), str(one.orders_backtest), "", ""),
            (t("analytics.pnl_paper"), f.money(one.pnl_paper, currency, signed=True), "", ""),
            (t("analytics.pnl_backtest"), f.money(one.pnl_backtest, currency, signed=True), "", ""),
        ])  # fmt: skip
        why = f'<p class="muted">{escape(one.explanation)}</p>' if one.explanation else ""
        return heading(one.deployment, level=3) + figures(cards) + why
