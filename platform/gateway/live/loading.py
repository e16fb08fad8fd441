"""The state from which an epoch begins, read from the database as the events that would have told it.

Times in the rows are UTC nanoseconds; ids are those of the events that the services published.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec
from psycopg.rows import dict_row

from ...contracts.enums import RunnerState
from ...contracts.events import (
    Event,
    HaltChanged,
    OrderFilled,
    OrderUpdated,
    PortfolioUpdated,
    PositionView,
    RunnerStateChanged,
    TradeRejected,
)
from ...contracts.ids import digest
from ...contracts.time import from_datetime
from ...risk.kill_switch import active_halts
from ...store.states import ENDED_ORDERS
from ..context import Connection, Gateway
from .directory import Place
from .topics import LiveTopic
from .views import LIMITS

_ORDER_COLUMNS = """o.order_id, o.intent_id, o.client_order_id, o.deployment_id, o.portfolio_id, o.instrument, o.side,
 o.order_type, o.quantity, o.filled, o.state, o.version, o.updated_ts AS ts, o.venue_order_id, o.limit_price,
 o.stop_price, o.average_price, o.leg, o.reason, o.session, o.cancel_decided_at,
 greatest(o.acked_wall, o.journalled_wall, o.intent_wall) AS occurred_at, o.intent_id AS trace_id"""
_ORDERS = f"""SELECT * FROM (
 (SELECT {_ORDER_COLUMNS} FROM orders o WHERE o.state NOT IN {ENDED_ORDERS})
 UNION
 (SELECT n.* FROM portfolios p, LATERAL (SELECT {_ORDER_COLUMNS} FROM orders o WHERE o.portfolio_id = p.portfolio_id
   ORDER BY o.updated_ts DESC, o.order_id DESC LIMIT %s) AS n)
 ) AS found ORDER BY ts, order_id"""  # noqa: S608 - own texts
_FILLS = """SELECT n.* FROM portfolios p, LATERAL (SELECT f.venue, f.account, f.trade_id, f.order_id, f.intent_id,
 f.deployment_id, f.portfolio_id, f.instrument, f.session, f.side, f.quantity, f.price, f.fee, f.fee_currency,
 f.liquidity, f.realized_pnl, f.leg, f.late, f.ts, f.portfolio_version, f.intent_id AS trace_id, f.ts AS occurred_at
 FROM fills f WHERE f.portfolio_id = p.portfolio_id ORDER BY f.ts DESC, f.portfolio_version DESC LIMIT %s) AS n
 ORDER BY ts, portfolio_version"""
_REJECTIONS = """SELECT n.* FROM deployments d, LATERAL (SELECT r.decision_id, r.intent_id, r.deployment_id,
 r.portfolio_id, r.instrument, r.code, r.stage, split_part(r.scope, ':', 1) AS scope, r.observed,
 r.limit_value AS "limit", r.message, r.ts, d.session, r.decided_wall AS occurred_at, r.intent_id AS trace_id
 FROM decisions r WHERE r.deployment_id = d.deployment_id AND NOT r.approved ORDER BY r.ts DESC LIMIT %s) AS n
 ORDER BY occurred_at, decision_id"""
_PORTFOLIOS = """SELECT f.portfolio_id, f.session, f.currency, f.version, f.initial_cash,
 coalesce((SELECT jsonb_object_agg(c.currency, c.amount::text) FROM cash c WHERE c.portfolio_id = f.portfolio_id), '{}')
 AS cash, e.ts AS equity_at, e.equity, f.created_at
 FROM portfolios f LEFT JOIN LATERAL (SELECT ts, equity FROM equity q WHERE q.portfolio_id = f.portfolio_id
   ORDER BY ts DESC LIMIT 1) AS e ON true
 WHERE f.portfolio_id <> ALL(%s) ORDER BY f.created_at, f.portfolio_id"""
_POSITIONS = """SELECT p.portfolio_id, p.instrument, p.quantity, p.average_price, coalesce(m.price, p.average_price)
 AS mark, p.realized_pnl, (coalesce(m.price, p.average_price) - p.average_price) * p.quantity AS unrealized_pnl,
 p.currency, p.fees, p.updated_ts
 FROM positions p JOIN portfolios f USING (portfolio_id)
 LEFT JOIN marks m ON m.session = f.session AND m.instrument = p.instrument
 WHERE p.portfolio_id <> ALL(%s) ORDER BY p.portfolio_id, p.instrument"""
_RUNNERS = """SELECT d.deployment_id, coalesce(r.epoch, d.epoch) AS epoch, d.session, coalesce(r.state,
 CASE d.desired_state WHEN 'running' THEN 'pending' ELSE 'stopped' END) AS state, coalesce(r.message, '') AS message,
 coalesce(r.executed_notebook, '') AS notebook
 FROM deployments d LEFT JOIN runners r USING (deployment_id) ORDER BY d.created_at, d.deployment_id"""
_PLACES = "SELECT deployment_id, portfolio_id, session FROM deployments"


Made = TypeVar("Made", bound=Event)


class Drift(NamedTuple):
    """What changes in the database without an event that is sure to come: deployments, runners, halts, portfolios."""

    places: dict[str, Place]
    runners: list[RunnerStateChanged]
    halts: list[HaltChanged]
    portfolios: list[PortfolioUpdated]


class DatabaseSource:
    """The state in the gateway's database."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def everything(self) -> tuple[dict[str, Place], list[Event]]:
        return await self._gateway.database(everything)

    async def drift(self, known: Sequence[str]) -> Drift:
        return await self._gateway.database(lambda conn: drift(conn, known))

    async def places(self) -> dict[str, Place]:
        return await self._gateway.database(places)


def everything(conn: Connection) -> tuple[dict[str, Place], list[Event]]:
    """Where deployments trade, and the whole state, the oldest first within each kind."""
    found = drift(conn, ())
    events: list[Event] = [*found.runners, *found.halts, *found.portfolios]
    events += orders(conn)
    events += fills(conn)
    events += rejections(conn)
    conn.rollback()
    return found.places, events


def drift(conn: Connection, known: Sequence[str]) -> Drift:
    """The state of runners and halts, and the portfolios that are not among the ``known`` ones."""
    found = Drift(places(conn), runners(conn), halts(conn), portfolios(conn, known))
    conn.rollback()
    return found


def places(conn: Connection) -> dict[str, Place]:
    """Where each deployment trades."""
    return {row["deployment_id"]: Place(row["portfolio_id"], row["session"]) for row in _rows(conn, _PLACES)}


def orders(conn: Connection) -> list[OrderUpdated]:
    """Working orders, and the newest of each portfolio."""
    rows = _rows(conn, _ORDERS, LIMITS[LiveTopic.ORDERS])
    return [_made(OrderUpdated, digest("order", row["order_id"], row["version"]), row) for row in rows]


def fills(conn: Connection) -> list[OrderFilled]:
    """The newest executions of each portfolio."""
    rows = _rows(conn, _FILLS, LIMITS[LiveTopic.FILLS])
    return [_made(OrderFilled, digest("fill", row["venue"], row["account"], row["trade_id"]), row) for row in rows]


def rejections(conn: Connection) -> list[TradeRejected]:
    """The newest refusals of each deployment."""
    rows = _rows(conn, _REJECTIONS, LIMITS[LiveTopic.REJECTIONS])
    return [_made(TradeRejected, digest("rejected", row.pop("decision_id")), row) for row in rows]


def runners(conn: Connection) -> list[RunnerStateChanged]:
    """How each deployment's runner stands. The tables do not say since when: ``occurred_at`` is 0."""
    return [
        RunnerStateChanged(
            event_id=digest("runner", row["deployment_id"], row["epoch"], row["state"], row["message"]),
            occurred_at=0,
            deployment_id=row["deployment_id"],
            epoch=row["epoch"],
            session=row["session"],
            state=RunnerState(row["state"]),
            message=row["message"],
            notebook=row["notebook"],
        )
        for row in _rows(conn, _RUNNERS)
    ]


def halts(conn: Connection) -> list[HaltChanged]:
    """What is halted or reduced now, the oldest first."""
    return [
        HaltChanged(
            event_id=digest("halt", row.scope, row.scope_id, row.changed_at),
            occurred_at=row.changed_at,
            scope=row.scope,
            scope_id=row.scope_id,
            state=row.state,
            actor=row.actor,
            reason=row.reason,
        )
        for row in reversed(active_halts(conn))
    ]


def portfolios(conn: Connection, known: Sequence[str]) -> list[PortfolioUpdated]:
    """Portfolios that are not among the ``known`` ones; ``equity`` is that of the newest slice, as in the REST API."""
    held: dict[str, list[dict[str, Any]]] = {}
    rows = _rows(conn, _PORTFOLIOS, list(known))
    if rows:
        for position in _rows(conn, _POSITIONS, list(known)):
            held.setdefault(position["portfolio_id"], []).append(position)
    return [_portfolio(row, held.get(row["portfolio_id"], [])) for row in rows]


def _portfolio(row: dict[str, Any], held: list[dict[str, Any]]) -> PortfolioUpdated:
    slice_at = 0 if row["equity_at"] is None else from_datetime(row["equity_at"])
    ts = max([slice_at, *(position["updated_ts"] for position in held)])
    zero = Decimal(0)
    return PortfolioUpdated(
        event_id=digest("portfolio", row["portfolio_id"], row["version"], ts),
        occurred_at=ts or from_datetime(row["created_at"]),
        portfolio_id=row["portfolio_id"],
        version=row["version"],
        ts=ts,
        currency=row["currency"],
        cash={currency: Decimal(amount) for currency, amount in row["cash"].items()},
        positions=tuple(
            PositionView(**{name: position[name] for name in PositionView.__struct_fields__}) for position in held
        ),
        equity=row["initial_cash"] if row["equity"] is None else row["equity"],
        realized_pnl=sum((position["realized_pnl"] for position in held), zero),
        unrealized_pnl=sum((position["unrealized_pnl"] for position in held), zero),
        fees=sum((position["fees"] for position in held), zero),
        session=row["session"],
    )


def _made(kind: type[Made], event_id: str, row: dict[str, Any]) -> Made:
    return msgspec.convert({"type": kind.__struct_config__.tag, "event_id": event_id, **row}, kind)


def _rows(conn: Connection, sql: str, *values: object) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql.encode(), values).fetchall()
