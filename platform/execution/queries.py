"""What a deployment did, from the trading service's tables: for the comparison with its backtest. Read only.

Screens, API and command line read through :mod:`millstream.gateway.reads`. Every function takes a psycopg connection
and ends its read transaction; times are UTC nanoseconds.
"""

from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.rows import dict_row

from ..contracts.errors import NotFoundError

Connection = psycopg.Connection[Any]
_MS = 1_000_000.0


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order; ``leg`` names a protective one."""

    order_id: str
    leg: str
    instrument: str
    side: str
    order_type: str
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None
    state: str
    decided_at: int


class FillView(msgspec.Struct, frozen=True, kw_only=True):
    """An execution; ``ts`` is session time."""

    order_id: str
    fee: Decimal
    ts: int


class RejectionView(msgspec.Struct, frozen=True, kw_only=True):
    """An intent that risk or the venue refused: the rule's code, what it saw and what it allows."""

    intent_id: str
    deployment: str
    portfolio: str
    instrument: str
    stage: int
    code: str
    scope: str
    observed: str
    limit: str
    message: str
    ts: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio at the close of its newest slice, in its currency; before the first it has its initial cash."""

    currency: str
    initial_cash: Decimal
    equity: Decimal
    fees: Decimal


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles in milliseconds over ``count`` orders, None when there are none.

    Both begin at the runner's intent: ``journalled`` ends behind the journal's commit, ``acked`` at the venue's
    answer.
    """

    count: int
    journalled_p50: float | None = None
    journalled_p99: float | None = None
    acked_p50: float | None = None
    acked_p99: float | None = None
    acked_p999: float | None = None


_ORDERS = """SELECT order_id, leg, instrument, side, order_type, quantity, filled, average_price, state, decided_at
 FROM orders WHERE deployment_id = %s ORDER BY created_ts, order_id"""
_FILLS = "SELECT order_id, fee, ts FROM fills WHERE deployment_id = %s ORDER BY portfolio_version, ts"
_REJECTIONS = """SELECT intent_id, deployment_id AS deployment, portfolio_id AS portfolio, instrument, stage, code,
 scope, observed, limit_value AS "limit", message, ts FROM decisions
 WHERE deployment_id = %s AND NOT approved ORDER BY decided_wall, intent_id"""
_OUTCOME = """SELECT f.currency, f.initial_cash,
 coalesce((SELECT e.equity FROM equity e WHERE e.portfolio_id = f.portfolio_id ORDER BY e.ts DESC LIMIT 1),
 f.initial_cash) AS equity,
 (SELECT coalesce(sum(p.fees), 0) FROM positions p WHERE p.portfolio_id = f.portfolio_id) AS fees
 FROM portfolios f WHERE f.portfolio_id = %s"""
_LATENCY = """SELECT count(*), percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY journalled_wall - intent_wall),
 percentile_cont(ARRAY[0.5, 0.99, 0.999]) WITHIN GROUP (ORDER BY acked_wall - intent_wall)
 FROM orders WHERE deployment_id = %s AND acked_wall > 0 AND leg = ''"""

View = TypeVar("View", bound=msgspec.Struct)


def orders(conn: Connection, deployment: str) -> list[OrderView]:
    """Orders in the order of their making, protective legs included."""
    return _views(conn, OrderView, _ORDERS, deployment)


def fills(conn: Connection, deployment: str) -> list[FillView]:
    """Executions in the order in which the ledger booked them."""
    return _views(conn, FillView, _FILLS, deployment)


def rejections(conn: Connection, deployment: str) -> list[RejectionView]:
    """Decisions against an intent, in their order."""
    return _views(conn, RejectionView, _REJECTIONS, deployment)


def outcome(conn: Connection, portfolio: str) -> Outcome:
    """What became of a portfolio. Raises :class:`NotFoundError`."""
    found = _views(conn, Outcome, _OUTCOME, portfolio)
    if not found:
        raise NotFoundError(f"there is no portfolio {portfolio!r}", hint="`millstream portfolio` lists them.")
    return found[0]


def latency(conn: Connection, deployment: str) -> Latency:
    """Latency percentiles of acknowledged orders that came from an intent (protective legs have none)."""
    row = conn.execute(_LATENCY, (deployment,)).fetchone()
    conn.rollback()
    if row is None or not row[0]:
        return Latency(count=0)
    count, (journalled_p50, journalled_p99), acked = row
    return Latency(
        count=count,
        journalled_p50=journalled_p50 / _MS,
        journalled_p99=journalled_p99 / _MS,
        acked_p50=acked[0] / _MS,
        acked_p99=acked[1] / _MS,
        acked_p999=acked[2] / _MS,
    )


def _views(conn: Connection, view: type[View], sql: str, name: str) -> list[View]:
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(sql.encode(), (name,)).fetchall()
    conn.rollback()
    return [view(**row) for row in rows]
