"""Open positions with their stops and targets, and the button that flattens one."""

from html import escape

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Permission
from millstream.contracts.api.trading import FlattenResult, Position
from millstream_dashboards.monitor.html import empty, heading, signed

from .book import Book
from .rows import Action, Cell, Row, Rows
from .screen import RefusedError, Screen, column, html


class Positions:
    """A row for each open position."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._rows = Rows(empty(screen.t("positions.empty"), screen.t("positions.next")), "positions")
        self.view = column([html(heading(screen.t("positions"))), self._rows.view], "ms-card")

    def show(self, book: Book) -> None:
        self._rows.show([self._row(one) for one in book.positions if one.quantity])

    def _row(self, one: Position) -> Row:
        t, f = self._screen.t, self._screen.f
        cells = (
            Cell(t("instrument"), f"<b>{escape(one.instrument)}</b>"),
            Cell(t("deployment"), escape(one.deployment)),
            Cell(t("quantity"), signed(f.quantity(one.quantity), one.quantity), number=True),
            Cell(t("average"), f.price(one.average_price), number=True),
            Cell(t("mark"), f.price(one.mark), number=True),
            Cell(t("unrealized"), self._pnl(one), number=True),
            Cell(t("stop"), f.price(one.stop_price), number=True),
            Cell(t("take"), f.price(one.target_price), number=True),
        )
        label = f"{t('flatten')}: {one.deployment}, {one.instrument}"
        action = Action(t("flatten"), label, lambda: self._ask(one), "danger")
        may = self._screen.may(Permission.TRADE)
        return Row(f"{one.deployment} {one.session} {one.instrument}", cells, (action,) if may else ())

    def _pnl(self, one: Position) -> str:
        value = one.unrealized_pnl
        return signed(self._screen.f.money(value, one.currency, signed=True), value)

    def _ask(self, one: Position) -> None:
        screen = self._screen
        quantity = screen.f.quantity(one.quantity)
        question = screen.t("flatten.ask", deployment=one.deployment, instrument=one.instrument, quantity=quantity)
        screen.confirm.ask(
            question, lambda: screen.do(lambda client: flatten(screen, client, one.deployment, one.instrument))
        )


async def flatten(screen: Screen, client: AsyncClient, deployment: str, instrument: str = "") -> str:
    """Flatten a deployment, or one instrument of it, and say what was sent. Raises :class:`RefusedError`."""
    result = await client.flatten(deployment=deployment, instrument=instrument, confirm=True)
    refused = _refusals(result)
    if refused:
        raise RefusedError(screen.t("flatten.refused", count=len(refused), reason="; ".join(refused)))
    return screen.t("flatten.done", closing=len(result.closing), canceling=len(result.canceling))


def _refusals(result: FlattenResult) -> list[str]:
    return [f"{one.rejection.code}: {one.rejection.message}" for one in result.closing if one.rejection is not None]
