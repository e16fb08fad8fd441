"""What people ask the trading service's tables: orders, fills, positions, rejections, equity, latency. Read only.

Every function takes a psycopg connection and ends its read transaction; times are UTC nanoseconds.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import psycopg

from ..contracts.errors import NotFoundError
from ..contracts.time import from_datetime

Connection = psycopg.Connection[Any]
_MS = 1_000_000.0


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: empty fields do not restrict. ``limit`` keeps the newest; the answer is in order of time."""

    deployment: str = ""
    portfolio: str = ""
    instrument: str = ""
    limit: int | None = None


EVERYTHING = Filter()


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order. ``ack_ms`` is the time from the runner's intent to the venue's acknowledgement, None before it."""

    order_id: str
    intent_id: str
    leg: str
    deployment: str
    portfolio: str
    instrument: str
    session: str
    side: str
    order_type: str
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    state: str
    reason: str
    decided_at: int
    updated_ts: int
    ack_ms: float | None


class FillView(msgspec.Struct, frozen=True, kw_only=True):
    """An execution; ``ts`` is session time, ``realized_pnl`` before fees."""

    trade_id: str
    order_id: str
    intent_id: str
    leg: str
    deployment: str
    portfolio: str
    instrument: str
    session: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: str
    realized_pnl: Decimal
    late: bool
    ts: int


class PositionRowView(msgspec.Struct, frozen=True, kw_only=True):
    """An open position; ``mark`` and ``unrealized_pnl`` are None while the instrument has no price in its session."""

    portfolio: str
    instrument: str
    quantity: Decimal
    average_price: Decimal
    mark: Decimal | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    fees: Decimal
    currency: str
    updated_ts: int


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


class EquityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio at the close of one slice, in its currency."""

    ts: int
    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal


class PortfolioSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio now: ``equity`` is that of its newest slice (the initial cash before the first)."""

    portfolio: str
    deployments: tuple[str, ...]
    session: str
    currency: str
    version: int
    initial_cash: Decimal
    cash: dict[str, Decimal]
    equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    positions: tuple[PositionRowView, ...]


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


_ORDERS = """SELECT order_id, intent_id, leg, deployment_id AS deployment, portfolio_id AS portfolio, instrument,
 session, side, order_type, quantity, filled, average_price, limit_price, stop_price, state, reason, decided_at,
 updated_ts, CASE WHEN acked_wall > 0 AND leg = '' THEN (acked_wall - intent_wall) / 1e6::float8 END AS ack_ms,
 created_ts AS at, order_id AS tie FROM orders"""
_FILLS = """SELECT trade_id, order_id, intent_id, leg, deployment_id AS deployment, portfolio_id AS portfolio,
 instrument, session, side, quantity, price, fee, fee_currency, liquidity, realized_pnl, late, ts,
 portfolio_version AS at, ts AS tie FROM fills"""
_REJECTIONS = """SELECT intent_id, deployment_id AS deployment, portfolio_id AS portfolio, instrument, stage, code,
 scope, observed, limit_value AS "limit", message, ts, decided_wall AS at, intent_id AS tie FROM decisions"""
_POSITIONS = """SELECT p.portfolio_id AS portfolio, p.instrument, p.quantity, p.average_price, m.price AS mark,
 p.realized_pnl, (m.price - p.average_price) * p.quantity AS unrealized_pnl, p.fees, p.currency, p.updated_ts
 FROM positions p JOIN portfolios f USING (portfolio_id)
 LEFT JOIN marks m ON m.session = f.session AND m.instrument = p.instrument"""

View = TypeVar("View", bound=msgspec.Struct)


def orders(conn: Connection, wanted: Filter = EVERYTHING) -> list[OrderView]:
    """Orders, protective legs included."""
    return _select(conn, OrderView, _ORDERS, wanted)


def fills(conn: Connection, wanted: Filter = EVERYTHING) -> list[FillView]:
    """Executions in the order in which the ledger booked them."""
    return _select(conn, FillView, _FILLS, wanted)


def rejections(conn: Connection, wanted: Filter = EVERYTHING) -> list[RejectionView]:
    """Decisions against an intent."""
    return _select(conn, RejectionView, _REJECTIONS, wanted, "NOT approved")


def positions(conn: Connection, wanted: Filter = EVERYTHING, *, closed: bool = False) -> list[PositionRowView]:
    """Positions; with ``closed`` those of quantity 0 too."""
    conditions, values = _conditions(wanted, "p.")
    if not closed:
        conditions.append("p.quantity <> 0")
    if wanted.deployment:
        conditions.append("p.portfolio_id IN (SELECT portfolio_id FROM deployments WHERE deployment_id = %s)")
        values.append(wanted.deployment)
    sql = f"{_POSITIONS} {_where(conditions)} ORDER BY p.portfolio_id, p.instrument"
    return _views(conn, PositionRowView, sql, values)


def equity(conn: Connection, portfolio: str, *, limit: int | None = None) -> list[EquityPoint]:
    """Equity at the close of each slice, oldest first."""
    rows = conn.execute(
        "SELECT ts, equity, cash, realized_pnl, unrealized_pnl, fees FROM equity WHERE portfolio_id = %s"
        " ORDER BY ts DESC LIMIT %s",
        (portfolio, limit),
    ).fetchall()
    conn.rollback()
    return [_equity_point(row) for row in reversed(rows)]


def portfolio(conn: Connection, portfolio_id: str) -> PortfolioSummary:
    """One portfolio with its open positions. Raises :class:`NotFoundError`."""
    found = conn.execute(
        "SELECT session, currency, version, initial_cash,"
        " (SELECT coalesce(sum(fees), 0) FROM positions p WHERE p.portfolio_id = f.portfolio_id),"
        " (SELECT coalesce(sum(realized_pnl), 0) FROM positions p WHERE p.portfolio_id = f.portfolio_id),"
        " ARRAY(SELECT deployment_id FROM deployments d WHERE d.portfolio_id = f.portfolio_id ORDER BY created_at)"
        " FROM portfolios f WHERE portfolio_id = %s",
        (portfolio_id,),
    ).fetchone()
    if found is None:
        conn.rollback()
        raise NotFoundError(f"there is no portfolio {portfolio_id!r}", hint="`millstream portfolio` lists them.")
    session, currency, version, initial, fees, realized, deployments = found
    cash = conn.execute("SELECT currency, amount FROM cash WHERE portfolio_id = %s", (portfolio_id,)).fetchall()
    newest = equity(conn, portfolio_id, limit=1)
    held = positions(conn, Filter(portfolio=portfolio_id))
    return PortfolioSummary(
        portfolio=portfolio_id,
        deployments=tuple(deployments),
        session=session,
        currency=currency,
        version=version,
        initial_cash=initial,
        cash=dict(cash),
        equity=newest[0].equity if newest else initial,
        realized_pnl=realized,
        unrealized_pnl=sum((row.unrealized_pnl or Decimal(0) for row in held), Decimal(0)),
        fees=fees,
        positions=tuple(held),
    )


def portfolios(conn: Connection) -> list[str]:
    """Ids of all portfolios, the newest first."""
    rows = conn.execute("SELECT portfolio_id FROM portfolios ORDER BY created_at DESC, portfolio_id").fetchall()
    conn.rollback()
    return [row[0] for row in rows]


def latency(conn: Connection, wanted: Filter = EVERYTHING) -> Latency:
    """Latency percentiles of acknowledged orders that came from an intent (protective legs have none)."""
    conditions, values = _conditions(wanted)
    if wanted.deployment:
        conditions.append("deployment_id = %s")
        values.append(wanted.deployment)
    conditions += ["acked_wall > 0", "leg = ''"]
    row = conn.execute(
        "SELECT count(*),"  # noqa: S608 - the conditions are this module's own
        " percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY journalled_wall - intent_wall),"
        " percentile_cont(ARRAY[0.5, 0.99, 0.999]) WITHIN GROUP (ORDER BY acked_wall - intent_wall)"
        f" FROM (SELECT * FROM orders {_where(conditions)} ORDER BY created_ts DESC LIMIT %s) AS chosen",
        (*values, wanted.limit),
    ).fetchone()
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


def _select(conn: Connection, view: type[View], sql: str, wanted: Filter, *more: str) -> list[View]:
    conditions, values = _conditions(wanted)
    if wanted.deployment:
        conditions.append("deployment_id = %s")
        values.append(wanted.deployment)
    newest = f"{sql} {_where([*conditions, *more])} ORDER BY at DESC, tie DESC LIMIT %s"
    return _views(conn, view, f"SELECT * FROM ({newest}) AS chosen ORDER BY at, tie", [*values, wanted.limit])  # noqa: S608


def _conditions(wanted: Filter, prefix: str = "") -> tuple[list[str], list[Any]]:
    given = {"portfolio_id": wanted.portfolio, "instrument": wanted.instrument}
    chosen = {name: value for name, value in given.items() if value}
    return [f"{prefix}{name} = %s" for name in chosen], list(chosen.values())


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _views(conn: Connection, view: type[View], sql: str, values: Sequence[Any]) -> list[View]:
    cursor = conn.execute(sql.encode(), values)
    names = [column.name for column in cursor.description or ()]
    fields = set(view.__struct_fields__)
    rows = cursor.fetchall()
    conn.rollback()
    return [view(**{name: value for name, value in zip(names, row, strict=True) if name in fields}) for row in rows]


def _equity_point(row: Sequence[Any]) -> EquityPoint:
    ts, value, cash, realized, unrealized, fees = row
    return EquityPoint(
        ts=from_datetime(ts), equity=value, cash=cash, realized_pnl=realized, unrealized_pnl=unrealized, fees=fees
    )
