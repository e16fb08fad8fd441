"""A small market to trade on in tests: one instrument, one deployment, bars and intents as they stand on the bus."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from millstream.bus.base import EventBus, Record
from millstream.contracts.codec import encode
from millstream.contracts.enums import OrderType, Side
from millstream.contracts.events import Bar, BarOpened, CancelIntent, Event, MarketEvent, OrderIntent, Watermark
from millstream.contracts.ids import digest, intent_id
from millstream.contracts.instrument import Instrument
from millstream.contracts.time import SECOND
from millstream.contracts.topics import MARKET_RAW_DATA, ORDERS_INTENTS
from millstream.execution.bootstrap import paper_venue
from millstream.execution.failpoints import Failpoints
from millstream.execution.recovery import Surroundings
from millstream.execution.service import TradingService
from millstream.market.instruments import register
from millstream.ops.clock import WallClock
from millstream.portfolio.accounts import open_portfolio
from millstream.risk.limits import RiskLimits, paper_defaults

DAY = 86_400 * SECOND
SESSION = "replay-test"
DEPLOYMENT = "dep"
PORTFOLIO = "pf"
CAPITAL = Decimal(100_000)
INSTRUMENT = Instrument(
    exchange="TEST",
    symbol="A",
    currency="USD",
    price_tick=Decimal("0.01"),
    lot_step=Decimal("0.001"),
    fee_rate=Decimal("0.001"),
    maker_fee_rate=Decimal("0.0005"),
)
KEY = INSTRUMENT.key


def slice_of(day: int, prices: Sequence[object], *, session: str = SESSION, instrument: str = KEY) -> list[MarketEvent]:
    """The three events of the daily bar that opens on ``day`` with ``prices`` (open, high, low, close)."""
    first, high, low, close = (Decimal(str(price)) for price in prices)
    ts, end = day * DAY, (day + 1) * DAY
    common = {"instrument": instrument, "session": session, "timeframe": "1d", "occurred_at": end}

    def at(kind: str, number: int) -> dict[str, Any]:
        return {**common, "event_id": digest(kind, session, instrument, day), "sequence": 3 * day + number}

    return [
        BarOpened(**at("opened", 0), ts=ts, open=first),
        Bar(
            **at("bar", 1),
            ts=end,
            open_time=ts,
            open=first,
            high=high,
            low=low,
            close=close,
            volume=Decimal(1000),
        ),
        Watermark(**at("watermark", 2), ts=end),
    ]


def order(
    day: int,
    side: Side,
    quantity: object,
    *,
    sequence: int = 0,
    epoch: int = 1,
    session: str = SESSION,
    deployment: str = DEPLOYMENT,
    portfolio: str = PORTFOLIO,
    decided_at: int | None = None,
    **fields: Any,
) -> OrderIntent:
    """An intent decided at the open of ``day`` (the close of the day before)."""
    moment = day * DAY if decided_at is None else decided_at
    key = intent_id(deployment, KEY, moment, sequence)
    return OrderIntent(
        event_id=digest("event", key),
        occurred_at=moment,
        intent_id=key,
        idempotency_key=key,
        deployment_id=deployment,
        epoch=epoch,
        portfolio_id=portfolio,
        instrument=KEY,
        risk_key=f"{portfolio}:{KEY}",
        decided_at=moment,
        expires_at=moment + 2 * DAY,
        session=session,
        side=side,
        quantity=Decimal(str(quantity)),
        order_type=fields.pop("order_type", OrderType.MARKET),
        **fields,
    )


def cancel(day: int, target: OrderIntent, *, sequence: int = 0) -> CancelIntent:
    """A request to cancel what ``target`` became."""
    key = intent_id(DEPLOYMENT, KEY, day * DAY, 1000 + sequence)
    return CancelIntent(
        event_id=digest("event", key),
        occurred_at=day * DAY,
        intent_id=key,
        idempotency_key=key,
        deployment_id=DEPLOYMENT,
        epoch=1,
        portfolio_id=PORTFOLIO,
        instrument=KEY,
        risk_key=target.risk_key,
        decided_at=day * DAY,
        expires_at=(day + 1) * DAY,
        session=target.session,
        target_intent_id=target.intent_id,
    )


def record(event: Event) -> Record:
    """The event as its producer publishes it."""
    topic = MARKET_RAW_DATA if isinstance(event, MarketEvent) else ORDERS_INTENTS
    return Record(topic.name, event.instrument, encode(event))


def seed(
    dsn: str,
    *,
    session: str = SESSION,
    deployment: str = DEPLOYMENT,
    portfolio: str = PORTFOLIO,
    limits: RiskLimits | None = None,
    protection: dict[str, Any] | None = None,
) -> None:
    """Instrument, session, release, portfolio and deployment in a migrated database."""
    with psycopg.connect(dsn) as conn:
        register(conn, INSTRUMENT)
        conn.execute(
            "INSERT INTO market_sessions (session_id, kind, clock, timeframe, instruments,"
            " speed, lock_step, state, message,"
            " position, created_at) VALUES (%s, 'replay', %s, '1d', %s, 0, true, 'running', '', 0, now())"
            " ON CONFLICT DO NOTHING",
            (session, "market" if session else "wall", [KEY]),
        )
        conn.execute(
            "INSERT INTO releases (name, version, bundle, strategy, instruments, timeframe,"
            " parameters, manifest, report,"
            " executed_notebook, author, created_at)"
            " VALUES ('r', 1, 'b', 's', %s, '1d', '{}', '{}', '{}', '', 'me', now()) ON CONFLICT DO NOTHING",
            ([KEY],),
        )
        open_portfolio(conn, portfolio_id=portfolio, currency="USD", initial_cash=CAPITAL, session=session)
        conn.execute(
            "INSERT INTO deployments (deployment_id, release_name, release_version, target, portfolio_id, session,"
            " instruments, timeframe, parameters, limits, protection, on_lease_lost, desired_state, epoch,"
            " decided_ts, started_ts,"
            " author, created_at, changed_at)"
            " VALUES (%s, 'r', 1, 'paper', %s, %s, %s, '1d', '{}', %s, %s, 'hold',"
            " 'running', 1, 0, 0, 'me', now(), now())",
            (
                deployment,
                portfolio,
                session,
                [KEY],
                Jsonb((limits or paper_defaults(CAPITAL)).to_mapping()),
                Jsonb(protection or {}),
            ),
        )


def surroundings(bus: EventBus, *, holder: str = "test", patience: float = 1.0) -> Surroundings:
    return Surroundings(
        bus=bus,
        clock=WallClock(),
        venue=paper_venue(Decimal(0)),
        failpoints=Failpoints(),
        holder=holder,
        patience=patience,
    )


@asynccontextmanager
async def serving(dsn: str, bus: EventBus, **fields: Any) -> AsyncIterator[TradingService]:
    """A trading service that has recovered and reads; it is stopped at the end, and its error raised."""
    service = TradingService(dsn, surroundings(bus, **fields), tick=0.05)
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    ready = asyncio.create_task(service.ready.wait())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        if task.done():
            task.result()
        yield service
    finally:
        stop.set()
        await task


async def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true answer of ``check``, asked every few milliseconds; fails after ``seconds``."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        if answer := check():
            return answer
        assert asyncio.get_running_loop().time() < deadline, f"not in {seconds} s: {check}"
        await asyncio.sleep(0.01)


def rows(dsn: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What the database answers."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(sql.encode(), values).fetchall()


def ledger_of(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that must be the same after a crash as without one."""
    return {
        "orders": rows(
            dsn,
            "SELECT intent_id, leg, side, order_type, quantity, filled, average_price, state, reserved FROM orders"
            " ORDER BY intent_id, leg",
        ),
        "fills": rows(
            dsn,
            "SELECT intent_id, leg, side, quantity, price, fee, realized_pnl, ts, portfolio_version FROM fills"
            " ORDER BY portfolio_version",
        ),
        "positions": rows(dsn, "SELECT portfolio_id, instrument, quantity, average_price, realized_pnl FROM positions"),
        "cash": rows(dsn, "SELECT * FROM cash"),
        "versions": rows(dsn, "SELECT portfolio_id, version FROM portfolios"),
        "equity": rows(dsn, "SELECT * FROM equity ORDER BY portfolio_id, ts"),
        "decisions": rows(dsn, "SELECT intent_id, approved, stage, code FROM decisions ORDER BY decision_id"),
    }
