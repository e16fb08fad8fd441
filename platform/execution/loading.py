"""Reading the trading state back from the database: all of it at the start, single deployments as they change."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import structlog
from psycopg.rows import dict_row

from ..bus.base import TopicPartition
from ..contracts.enums import OrderState, OrderType, Side, TimeInForce
from ..contracts.errors import InputError
from ..contracts.instrument import Instrument
from ..portfolio.ledger import Fill, Ledger
from ..portfolio.position import Position
from ..risk.day import RiskDay
from ..risk.limits import RiskLimits
from ..risk.view import DeploymentState, InstrumentState
from ..store.states import ENDED_ORDERS
from .journal import CONSUMER
from .order import Order
from .protection import Bracket, Protection
from .state import ENDED_ORDERS_LIMIT, Account, Deployment, Market, Session, TradingState

Connection = psycopg.AsyncConnection[Any]
Rows = list[dict[str, Any]]
log = structlog.get_logger(__name__)

_BRACKET = "bracket:"


async def load_all(conn: Connection) -> TradingState:
    """The whole state as the last commit left it."""
    state = TradingState()
    await load_instruments(conn, state)
    await load_sessions(conn, state)
    await load_accounts(conn, state, None)
    await load_deployments(conn, state, None)
    await _load_marks(conn, state)
    await _load_latches(conn, state)
    await _load_orders(conn, state)
    return state


async def load_offsets(conn: Connection) -> dict[TopicPartition, int]:
    """Offset of the last handled record by partition."""
    rows = await _rows(conn, "SELECT topic, partition, offset_ FROM consumed_offsets WHERE consumer = %s", (CONSUMER,))
    return {TopicPartition(row["topic"], row["partition"]): row["offset_"] for row in rows}


async def load_instruments(conn: Connection, state: TradingState) -> None:
    """All registered instruments; known ones are replaced."""
    names = Instrument.__struct_fields__
    for row in await _rows(conn, f"SELECT key, {', '.join(names)} FROM instruments"):  # noqa: S608 - field names
        key = row.pop("key")
        state.instruments[key] = Instrument(**row)


async def load_sessions(conn: Connection, state: TradingState) -> None:
    """Market sessions that are not known yet."""
    for row in await _rows(conn, "SELECT session_id, clock FROM market_sessions"):
        state.sessions.setdefault(row["session_id"], Session(row["session_id"], row["clock"]))


async def load_accounts(conn: Connection, state: TradingState, wanted: Iterable[str] | None) -> None:
    """Portfolios with their ledgers: all, or those ``wanted`` that are not known yet."""
    chosen = None if wanted is None else [key for key in wanted if key not in state.accounts]
    if chosen == []:
        return
    where = "" if chosen is None else " WHERE portfolio_id = ANY(%s)"
    values = () if chosen is None else (chosen,)
    cash: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in await _rows(conn, f"SELECT portfolio_id, currency, amount FROM cash{where}", values):  # noqa: S608
        cash[row["portfolio_id"]][row["currency"]] = row["amount"]
    fees: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    totals = f"SELECT portfolio_id, fee_currency, sum(fee) AS fee FROM fills{where} GROUP BY 1, 2"  # noqa: S608
    for row in await _rows(conn, totals, values):
        if row["fee"]:
            fees[row["portfolio_id"]][row["fee_currency"]] = row["fee"]
    held: defaultdict[str, list[Position]] = defaultdict(list)
    for row in await _rows(conn, f"SELECT * FROM positions{where}", values):  # noqa: S608
        held[row.pop("portfolio_id")].append(Position(**row))
    fills = await _recent_fills(conn, where, values)
    for row in await _rows(conn, f"SELECT * FROM portfolios{where}", values):  # noqa: S608
        key = row["portfolio_id"]
        ledger = Ledger.from_state(
            key,
            row["currency"],
            state.instruments,
            version=row["version"],
            cash=cash[key],
            positions=held[key],
            fees=fees[key],
            marks={},
            fills=fills[key],
        )
        account = Account(ledger, row["session"], "")
        for (session, instrument), market in state.markets.items():
            if session == account.session and market.risk.mark is not None:
                ledger.mark(instrument, market.risk.mark)
        state.accounts[key] = account


async def deployments_on(conn: Connection, sessions: Iterable[str]) -> list[str]:
    """Ids of the deployments that trade on any of these sessions."""
    sql = "SELECT deployment_id FROM deployments WHERE session = ANY(%s)"
    return [row["deployment_id"] for row in await _rows(conn, sql, (list(sessions),))]


async def load_deployments(conn: Connection, state: TradingState, wanted: Iterable[str] | None) -> None:
    """Deployments: all, or those ``wanted``; a row whose limits cannot be read denies everything (fail closed)."""
    where = "" if wanted is None else " WHERE deployment_id = ANY(%s)"
    values = () if wanted is None else (list(wanted),)
    rows = await _rows(conn, f"SELECT *, xmin::text AS row_version FROM deployments{where}", values)  # noqa: S608
    await load_accounts(conn, state, [row["portfolio_id"] for row in rows])
    for row in rows:
        state.put_deployment(_deployment(row))


async def _load_marks(conn: Connection, state: TradingState) -> None:
    for row in await _rows(conn, "SELECT * FROM marks"):
        instrument = state.instruments.get(row["instrument"])
        if instrument is None:
            continue
        key = (row["session"], row["instrument"])
        risk = InstrumentState(
            instrument=instrument,
            session=row["session"],
            mark=row["price"],
            mark_ts=row["ts"],
            previous_mark=row["previous"],
            bid=row["bid"],
            ask=row["ask"],
        )
        state.markets[key] = Market(risk, row["sequence"])
        session = state.session(row["session"])
        session.position = max(session.position, row["ts"])
    for account in state.accounts.values():
        for (session_id, key_of), market in state.markets.items():
            if session_id == account.session and market.risk.mark is not None:
                account.ledger.mark(key_of, market.risk.mark)


async def _load_latches(conn: Connection, state: TradingState) -> None:
    for row in await _rows(conn, "SELECT scope_id, name, value FROM risk_latches WHERE scope = 'portfolio'"):
        account = state.accounts.get(row["scope_id"])
        if account is None:
            continue
        if row["name"] == "day":
            account.day = RiskDay.from_value(row["value"])
        elif row["name"].startswith(_BRACKET) and row["value"]:
            instrument = row["name"].removeprefix(_BRACKET)
            state.brackets[account.portfolio_id, instrument] = msgspec.convert(row["value"], Bracket, strict=False)


async def _load_orders(conn: Connection, state: TradingState) -> None:
    entries = [bracket.intent_id for bracket in state.brackets.values()]
    sql = (
        f"(SELECT * FROM orders WHERE state NOT IN {ENDED_ORDERS})"  # noqa: S608 - constant
        " UNION (SELECT * FROM orders WHERE intent_id = ANY(%s) AND leg = '')"
        f" UNION (SELECT * FROM orders WHERE state IN {ENDED_ORDERS}"
        f" ORDER BY created_ts DESC LIMIT {ENDED_ORDERS_LIMIT})"
        # As the venue accepted them: equal prices are matched in this order (a pair of legs: the stop first).
        " ORDER BY created_ts, acked_wall, intent_wall, leg, order_id"
    )
    for row in await _rows(conn, sql, (entries,)):
        state.put_order(_order(row))


async def _recent_fills(conn: Connection, where: str, values: tuple[Any, ...]) -> defaultdict[str, list[Fill]]:
    sql = (
        "SELECT portfolio_id, venue, account, trade_id, instrument, side, quantity, price, fee, fee_currency, ts"  # noqa: S608
        f" FROM fills{where} ORDER BY ts DESC LIMIT {ENDED_ORDERS_LIMIT}"
    )
    fills: defaultdict[str, list[Fill]] = defaultdict(list)
    for row in await _rows(conn, sql, values):
        key = row.pop("portfolio_id")
        fills[key].append(Fill(**{**row, "side": Side(row["side"])}))
    return fills


def _deployment(row: dict[str, Any]) -> Deployment:
    limits, protection = None, Protection()
    try:
        limits = RiskLimits.from_mapping(row["limits"])
        protection = Protection.from_mapping(row["protection"])
    except InputError as error:
        limits = None
        log.warning("deployment.unreadable", deployment=row["deployment_id"], error=str(error))
    risk = DeploymentState(
        deployment_id=row["deployment_id"],
        portfolio_id=row["portfolio_id"],
        session=row["session"],
        epoch=row["epoch"],
        decided_ts=row["decided_ts"],
        instruments=frozenset(row["instruments"]),
        limits=limits,
    )
    return Deployment(risk, protection, row["row_version"])


def _order(row: dict[str, Any]) -> Order:
    enums: dict[str, Callable[[str], Any]] = {
        "side": Side,
        "order_type": OrderType,
        "time_in_force": TimeInForce,
        "state": OrderState,
        "previous_state": OrderState,
    }
    return Order(**{name: enums[name](value) if name in enums else value for name, value in row.items()})


async def _rows(conn: Connection, sql: str, values: tuple[Any, ...] = ()) -> Rows:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(sql.encode(), values)
        return await cursor.fetchall()
