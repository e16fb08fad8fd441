"""A deployment beside the backtest of its release, over the bars that both have decided."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from ...contracts.api.reports import BacktestComparison
from ...contracts.ids import MANUAL_TAG
from ...contracts.money import ZERO, decimal
from ...contracts.time import from_iso, iso, timeframe_ns, to_datetime
from ..auth.access import Principal
from ..context import Connection
from .selection import Facts, deployment
from .tags import tags_of

MOST_ORDERS = 50_000


class Line(NamedTuple):
    """An order of either side: when it was decided and executed (UTC ns, None: not), signed quantity, price, fee."""

    decided_at: int
    instrument: str
    leg: str
    signed: Decimal
    executed_at: int | None
    price: Decimal
    fee: Decimal

    @property
    def place(self) -> tuple[int, str, str, bool]:
        return self.decided_at, self.instrument, self.leg.partition(".")[0], self.signed > 0


class Window(NamedTuple):
    """The closes (UTC ns) of the first slice that the deployment decided, and of the last that both sides have."""

    first: int
    last: int


Closes = Mapping[tuple[str, int], Decimal]
"""Closing price by instrument and moment."""


def compare(conn: Connection, name: str, principal: Principal) -> BacktestComparison:
    """Orders and profit of both sides in the bars they share. Profit of the backtest is scaled to the paper account.

    Raises :class:`NotFoundError` for a deployment that the principal does not see.
    """
    facts = deployment(conn, name, principal)
    window, report = _known(conn, facts)
    if window.last <= window.first:
        why = "Nothing to compare yet: the deployment and the backtest of its release share no two decided bars."
        return BacktestComparison(deployment=name, orders_paper=0, orders_backtest=0, pnl_paper=ZERO, explanation=why)
    paper, by_hand = _paper(conn, facts, window)
    tested = [_line(order) for order in report["orders"]]
    shared = [line for line in tested if window.first <= line.decided_at <= window.last]
    begun, ended = _equity(conn, facts, window)
    closes = _closes(conn, facts, window)
    profit = backtest_profit(tested, window, closes, decimal(report["capital"]))
    scale = begun / profit.begun if profit is not None and profit.begun > 0 else None
    return BacktestComparison(
        deployment=name,
        orders_paper=len(paper),
        orders_backtest=len(shared),
        pnl_paper=ended - begun,
        pnl_backtest=profit.made * scale if profit is not None and scale is not None else None,
        explanation=" ".join([_period(window), *differences(paper, shared), *_notes(by_hand, scale)]),
    )


class Profit(NamedTuple):
    """Equity of the backtest at the first slice, and what it made from there to the last."""

    begun: Decimal
    made: Decimal


def backtest_profit(lines: Sequence[Line], window: Window, closes: Closes, capital: Decimal) -> Profit | None:
    """From its executions and the closes at both ends of ``window``; None where a close is missing."""
    try:
        begun, ended = (_value(lines, moment, closes, capital) for moment in window)
    except KeyError:
        return None
    return Profit(begun, ended - begun)


def _value(lines: Sequence[Line], moment: int, closes: Closes, capital: Decimal) -> Decimal:
    """Equity at the close at ``moment``: what was decided there executes after it."""
    cash, held = capital, dict[str, Decimal]()
    for line in lines:
        if line.executed_at is not None and line.decided_at < moment and line.executed_at <= moment:
            cash -= line.signed * line.price + line.fee
            held[line.instrument] = held.get(line.instrument, ZERO) + line.signed
    return cash + sum((quantity * closes[key, moment] for key, quantity in held.items() if quantity), ZERO)


def differences(paper: Sequence[Line], tested: Sequence[Line]) -> list[str]:
    """In words: how many orders of both sides are at the same place, and the first that is not."""
    mine, theirs = {line.place for line in paper}, {line.place for line in tested}
    both = len(mine & theirs)
    found = [f"{both} orders were decided at the same bar, instrument and side by both."]
    only_mine, only_theirs = sorted(mine - theirs), sorted(theirs - mine)
    if not only_mine and not only_theirs:
        return [*found, "No order is missing on either side."] if both else ["Neither side decided an order."]
    if only_theirs:
        found.append(
            f"{len(only_theirs)} of the backtest are missing on this account, the first {_where(only_theirs[0])}:"
            " the intent was rejected, the runner was down, or it began flat where the backtest held a position."
        )
    if only_mine:
        found.append(
            f"{len(only_mine)} of this account are missing in the backtest, the first {_where(only_mine[0])}:"
            " the strategy saw other bars, or keeps state outside of them."
        )
    return found


def _where(place: tuple[int, str, str, bool]) -> str:
    decided_at, instrument, leg, bought = place
    return f"at {iso(decided_at)} ({instrument} {'buy' if bought else 'sell'}{f', {leg}' if leg else ''})"


def _period(window: Window) -> str:
    return f"Bars that closed from {iso(window.first)} to {iso(window.last)}."


def _notes(by_hand: int, scale: Decimal | None) -> list[str]:
    notes = [f"{by_hand} orders were placed by hand and are not compared, but are in the profit."] if by_hand else []
    if scale is None:
        notes.append("The backtest's profit of these bars cannot be told: a close at one of their ends is not stored.")
    elif abs(scale - 1) > Decimal("0.000001"):
        notes.append(f"The backtest's profit is scaled by {scale:.4g}, to the equity that this account began with.")
    return notes


_KNOWN = """SELECT d.started_ts, coalesce(n.checkpoint_ts, 0), r.report FROM deployments d
 JOIN releases r ON r.name = d.release_name AND r.version = d.release_version
 LEFT JOIN runners n USING (deployment_id) WHERE d.deployment_id = %s"""
_PAPER = """SELECT o.intent_id, o.decided_at, o.instrument, o.leg, o.side, o.filled, o.quantity, o.average_price,
 o.updated_ts FROM orders o WHERE o.deployment_id = %s AND o.created_ts >= %s AND o.decided_at >= %s
 AND o.decided_at <= %s ORDER BY o.created_ts, o.order_id LIMIT %s"""
_EQUITY = """SELECT f.initial_cash, coalesce((SELECT e.equity FROM equity e WHERE e.portfolio_id = f.portfolio_id
 AND e.ts <= %(first)s ORDER BY e.ts DESC LIMIT 1), f.initial_cash), (SELECT e.equity FROM equity e
 WHERE e.portfolio_id = f.portfolio_id AND e.ts <= %(last)s ORDER BY e.ts DESC LIMIT 1)
 FROM portfolios f WHERE f.portfolio_id = %(portfolio)s"""
_CLOSE = (
    "SELECT close FROM candles WHERE instrument = %s AND timeframe = %s AND open_time <= %s"
    " ORDER BY open_time DESC LIMIT 1"
)


def _known(conn: Connection, facts: Facts) -> tuple[Window, dict[str, Any]]:
    row = conn.execute(_KNOWN.encode(), (facts.deployment,)).fetchone()
    started, checkpoint, report = row if row is not None else (0, 0, dict[str, Any]())
    end = report.get("statistics", {}).get("end")
    if not started or end is None or "orders" not in report:
        return Window(0, 0), {}
    tested_to = from_iso(end.replace(" ", "T")) + timeframe_ns(facts.timeframe)
    return Window(started, min(checkpoint, tested_to)), report


def _paper(conn: Connection, facts: Facts, window: Window) -> tuple[list[Line], int]:
    """The account's own orders in the window, and how many were placed by hand besides."""
    values = (facts.deployment, window.first, window.first, window.last, MOST_ORDERS)
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_PAPER.encode(), values).fetchall()
    tags = tags_of(conn, (row["intent_id"] for row in rows))
    own = [row for row in rows if not tags.get(row["intent_id"], "").startswith(MANUAL_TAG)]
    return [_paper_line(row) for row in own], len(rows) - len(own)


def _paper_line(row: dict[str, Any]) -> Line:
    sign = 1 if row["side"] == "buy" else -1
    executed = row["updated_ts"] if row["filled"] else None
    price = row["average_price"] if row["average_price"] is not None else ZERO
    return Line(row["decided_at"], row["instrument"], row["leg"], sign * row["quantity"], executed, price, ZERO)


def _line(order: Mapping[str, Any]) -> Line:
    """An order of the report of a backtest."""
    executed = order["execution_time"]
    quantity = decimal(order["quantity"])
    return Line(
        decided_at=from_iso(order["decision_time"]),
        instrument=order["instrument"],
        leg=order["leg"],
        signed=quantity if order["side"] == "buy" else -quantity,
        executed_at=None if executed is None else from_iso(executed),
        price=ZERO if order["price"] is None else decimal(order["price"]),
        fee=ZERO if order["fee"] is None else decimal(order["fee"]),
    )


def _equity(conn: Connection, facts: Facts, window: Window) -> tuple[Decimal, Decimal]:
    values = {
        "portfolio": facts.portfolio,
        "first": to_datetime(window.first),
        "last": to_datetime(window.last),
    }
    initial, begun, ended = conn.execute(_EQUITY.encode(), values).fetchone() or (ZERO, ZERO, None)
    return begun, ended if ended is not None else initial


def _closes(conn: Connection, facts: Facts, window: Window) -> Closes:
    found = {}
    for moment in window:
        newest = to_datetime(moment - timeframe_ns(facts.timeframe))
        for instrument in facts.instruments:
            row = conn.execute(_CLOSE, (instrument, facts.timeframe, newest)).fetchone()
            if row is not None:
                found[instrument, moment] = decimal(float(row[0]))
    return found
