"""Positions: what is held, at which price, with which protection, and the command that closes it."""

from itertools import starmap

import panel as pn

from millstream.contracts.api.identity import Permission
from millstream.contracts.api.trading import Portfolio

from ..flatten import FlattenForm
from ..html import badge, figure, figures, heading, tone_of
from ..listing import Listing
from ..page import Page, pane, section, stack
from ..pager import BY_NAME, Pager
from ..rows import POSITIONS, Rows
from ..screen import Screen

SHOWN = 50
PORTFOLIOS = 20


class Positions(Page):
    """Open positions with unrealised P&L, stop and target, and the portfolios that hold them."""

    name = "positions"
    topics = frozenset({"portfolios", "fills", "orders", "prices"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        nothing = (self.t("positions.none"), self.t("positions.none_next"), "")
        rows = Rows(self.t, self.f)
        self._list = Listing(screen, POSITIONS, rows.position, nothing, self.again, size=SHOWN, words=BY_NAME)
        self._flatten = FlattenForm(screen, self.again)
        self._portfolios = pane()
        self._pager = Pager(self.t, self.again, size=PORTFOLIOS, words=BY_NAME)

    def view(self) -> pn.viewable.Viewable:
        held: list[pn.viewable.Viewable] = [self._list.view]
        if self.screen.may(Permission.TRADE):
            held.append(self._flatten.view)
        return stack(*held, section(self.t("positions.portfolios"), self._portfolios, self._pager.view))

    async def load(self) -> None:
        chosen = self.screen.selection.filters()
        positions = await self._list.load(self.screen.asking("list_positions"), **chosen)
        self._flatten.show(positions)
        portfolios = await self._pager.read(self.screen.asking("list_portfolios"), **chosen)
        self._portfolios.object = "".join(self._portfolio(portfolio) for portfolio in portfolios)

    def _portfolio(self, portfolio: Portfolio) -> str:
        t, f, one, currency = self.t, self.f, portfolio, portfolio.currency
        cash = ", ".join(f.money(amount, name) for name, amount in one.cash.items())
        initial = t("money.of", amount=f.money(one.initial_cash, currency))
        cards = [
            (t("money.equity"), f.money(one.equity, currency), initial, ""),
            (t("money.day"), f.money(one.day_pnl, currency, signed=True), t("money.utc_day"), tone_of(one.day_pnl)),
            (t("money.unrealized"), f.money(one.unrealized_pnl, currency, signed=True), "",
             tone_of(one.unrealized_pnl)),
            (t("money.realized"), f.money(one.realized_pnl, currency, signed=True), "", tone_of(one.realized_pnl)),
            (t("money.exposure"), f.money(one.exposure, currency), t("money.gross"), ""),
            (t("money.drawdown"), f.percent(one.drawdown), t("money.from_peak"), ""),
            (t("money.cash"), cash, "", ""),
        ]  # fmt: skip
        live = badge(t.of("target", portfolio.target), "live" if portfolio.target == "live" else "")
        return (
            heading(f"{portfolio.portfolio} · {portfolio.currency}", live, 3) + figures(starmap(figure, cards)) + "<br>"
        )
