"""Positions: what is held, at which price, with which protection."""

from itertools import starmap

import panel as pn

from millstream.contracts.api.trading import Portfolio

from ..html import badge, figure, figures, heading, tone_of
from ..page import Page, pane, section
from ..rows import POSITIONS, Rows
from ..screen import Screen
from ..tables import LiveTable


class Positions(Page):
    """Open positions with unrealised P&L, stop and target, and the portfolios that hold them."""

    name = "positions"
    topics = frozenset({"portfolios", "fills", "orders", "prices"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        self._rows = Rows(t, self.f)
        self._table = LiveTable(t, self.f, POSITIONS, (t("positions.none"), t("positions.none_next"), ""))
        self._portfolios = pane()

    def view(self) -> pn.viewable.Viewable:
        return pn.Column(
            self._table.view,
            section(self.t("positions.portfolios"), self._portfolios),
            sizing_mode="stretch_width",
            margin=0,
        )

    async def load(self) -> None:
        chosen = self.screen.selection.filters()
        positions = await self.screen.items("list_positions", **chosen)
        self._table.show([self._rows.position(position) for position in positions if position.quantity])
        portfolios = await self.screen.items("list_portfolios", **chosen)
        self._portfolios.object = "".join(self._portfolio(portfolio) for portfolio in portfolios)

    def _portfolio(self, portfolio: Portfolio) -> str:
        t, f = self.t, self.f
        cash = ", ".join(f.money(amount, currency) for currency, amount in portfolio.cash.items())
        cards = [
            (t("money.equity"), f.money(portfolio.equity), t("money.of", amount=f.money(portfolio.initial_cash)), ""),
            (t("money.day"), f.money(portfolio.day_pnl, signed=True), t("money.utc_day"), tone_of(portfolio.day_pnl)),
            (
                t("money.unrealized"),
                f.money(portfolio.unrealized_pnl, signed=True),
                "",
                tone_of(portfolio.unrealized_pnl),
            ),
            (t("money.realized"), f.money(portfolio.realized_pnl, signed=True), "", tone_of(portfolio.realized_pnl)),
            (t("money.exposure"), f.money(portfolio.exposure), t("money.gross"), ""),
            (t("money.drawdown"), f.percent(portfolio.drawdown), t("money.from_peak"), ""),
            (t("money.cash"), cash, "", ""),
        ]
        live = badge(t.of("target", portfolio.target), "live" if portfolio.target == "live" else "")
        return (
            heading(f"{portfolio.portfolio} · {portfolio.currency}", live, 3) + figures(starmap(figure, cards)) + "<br>"
        )
