"""Portfolios: the sums of each currency, and each portfolio by itself."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from html import escape

from millstream.contracts.api.trading import Portfolio
from millstream_dashboards.monitor.html import empty, figure, figures, heading, signed, table, tone_of

from .book import Book
from .screen import Screen, column, html, put


class Accounts:
    """Equity and P&L of the accounts shown: amounts of different currencies are never added."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._figures = html()
        self._table = html()
        self.view = column([html(heading(screen.t("pnl"))), self._figures, self._table], "ms-card")

    def show(self, book: Book) -> None:
        if not book.portfolios:
            put(self._figures, empty(self._screen.t("deployments.empty"), self._screen.t("deployments.next")))
            put(self._table, "")
            return
        put(self._figures, "".join(self._sums(*one) for one in _by_currency(book.portfolios)))
        put(self._table, self._each(book.portfolios))

    def _sums(self, currency: str, portfolios: list[Portfolio]) -> str:
        t, f = self._screen.t, self._screen.f

        def amount(key: str, value: Decimal, *, toned: bool = True) -> str:
            tone = tone_of(value) if toned else ""
            return figure(t(key), f.money(value, currency, signed=toned), "", tone)

        return figures(
            [
                amount("equity", _sum(one.equity for one in portfolios), toned=False),
                amount("day_pnl", _sum(one.day_pnl for one in portfolios)),
                amount("unrealized", _sum(one.unrealized_pnl for one in portfolios)),
                amount("realized", _sum(one.realized_pnl for one in portfolios)),
                amount("exposure", _sum(one.exposure for one in portfolios), toned=False),
                amount("fees", _sum(one.fees for one in portfolios), toned=False),
            ]
        )

    def _each(self, portfolios: Iterable[Portfolio]) -> str:
        t, f = self._screen.t, self._screen.f
        titles = [t(key) for key in ("portfolio", "equity", "day_pnl", "unrealized", "realized", "drawdown", "cash")]
        rows = [
            (
                escape(one.portfolio),
                f.money(one.equity, one.currency),
                signed(f.money(one.day_pnl, signed=True), one.day_pnl),
                signed(f.money(one.unrealized_pnl, signed=True), one.unrealized_pnl),
                signed(f.money(one.realized_pnl, signed=True), one.realized_pnl),
                f.percent(one.drawdown),
                escape(" · ".join(f.money(value, currency) for currency, value in sorted(one.cash.items()))),
            )
            for one in portfolios
        ]
        return table(t("pnl"), titles, rows, numeric=range(1, 7))


def _by_currency(portfolios: Iterable[Portfolio]) -> list[tuple[str, list[Portfolio]]]:
    found: dict[str, list[Portfolio]] = defaultdict(list)
    for one in portfolios:
        found[one.currency].append(one)
    return sorted(found.items())


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, Decimal(0))
