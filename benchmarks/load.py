"""Load: accounts to trade on, intents at a steady rate, and the percentiles of what came of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg.types.json import Jsonb

from millstream.bus.base import EventBus, Record
from millstream.contracts.codec import encode
from millstream.contracts.enums import OrderType, Side
from millstream.contracts.events import OrderIntent, Quote
from millstream.contracts.ids import digest, intent_id
from millstream.contracts.instrument import Instrument
from millstream.contracts.time import SECOND
from millstream.contracts.topics import MARKET_RAW_DATA, ORDERS_INTENTS
from millstream.market.instruments import register
from millstream.ops.clock import WallClock
from millstream.portfolio.accounts import open_portfolio
from millstream.risk.limits import paper_defaults

SESSION = "bench"
CAPITAL = Decimal(1_000_000_000)
INSTRUMENTS = [
    Instrument(exchange="BENCH", symbol=f"S{number:02d}", currency="USD", lot_step=Decimal("0.001"))
    for number in range(20)
]
clock = WallClock()


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds over ``count`` observations."""

    count: int
    p50: float
    p99: float
    p999: float


def percentiles(nanoseconds: Sequence[int]) -> Percentiles:
    """Nearest-rank percentiles. Raises ``ValueError`` when there is nothing to measure."""
    if not nanoseconds:
        msg = "nothing was measured: the process under test answered no request"
        raise ValueError(msg)
    ordered = sorted(nanoseconds)

    def rank(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6

    return Percentiles(len(ordered), rank(0.5), rank(0.99), rank(0.999))


def open_accounts(dsn: str) -> None:
    """One deployment for each instrument, on a session of the wall clock."""
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO market_sessions (session_id, kind, clock, timeframe, instruments, speed, lock_step, state,"
            " message, position, created_at) VALUES (%s, 'live', 'wall', '1m', '{}', 0,"
            " false, 'running', '', 0, now())",
            (SESSION,),
        )
        conn.execute(
            "INSERT INTO releases (name, version, bundle, strategy, instruments, timeframe,"
            " parameters, manifest, report,"
            " executed_notebook, author, created_at)"
            " VALUES ('bench', 1, '', '', '{}', '1m', '{}', '{}', '{}', '', 'bench', now())"
        )
        for instrument in INSTRUMENTS:
            register(conn, instrument)
            name = instrument.symbol
            open_portfolio(conn, portfolio_id=name, currency="USD", initial_cash=CAPITAL, session=SESSION)
            conn.execute(
                "INSERT INTO deployments (deployment_id, release_name, release_version, target, portfolio_id, session,"
                " instruments, timeframe, parameters, limits, protection, on_lease_lost, desired_state, epoch,"
                " decided_ts, started_ts, author, created_at, changed_at)"
                " VALUES (%s, 'bench', 1, 'paper', %s, %s, %s, '1m', '{}', %s, '{}', 'hold', 'running', 1, 0, 0,"
                " 'bench', now(), now())",
                (name, name, SESSION, [instrument.key], Jsonb(paper_defaults(CAPITAL).to_mapping())),
            )


def quotes(sequence: int) -> list[Record]:
    """A fresh price of every instrument."""
    now = clock.now()
    return [
        Record(
            MARKET_RAW_DATA.name,
            instrument.key,
            encode(
                Quote(
                    event_id=digest("bench", instrument.key, sequence),
                    occurred_at=now,
                    instrument=instrument.key,
                    ts=now,
                    session=SESSION,
                    sequence=sequence,
                    bid=Decimal("99.99"),
                    ask=Decimal("100.01"),
                    bid_size=Decimal(1000),
                    ask_size=Decimal(1000),
                )
            ),
        )
        for instrument in INSTRUMENTS
    ]


def intent(number: int) -> Record:
    """A limit order that rests in the book, of one deployment after the other; dated now."""
    instrument = INSTRUMENTS[number % len(INSTRUMENTS)]
    now = clock.now()
    name = instrument.symbol
    key = intent_id(name, instrument.key, now, number)
    event = OrderIntent(
        event_id=digest("bench", key),
        occurred_at=now,
        intent_id=key,
        idempotency_key=key,
        deployment_id=name,
        epoch=1,
        portfolio_id=name,
        instrument=instrument.key,
        risk_key=f"{name}:{instrument.key}",
        decided_at=now,
        expires_at=now + 60 * SECOND,
        session=SESSION,
        side=Side.BUY,
        quantity=Decimal("0.001"),
        order_type=OrderType.LIMIT,
        limit_price=Decimal("90.00"),
    )
    return Record(ORDERS_INTENTS.name, instrument.key, encode(event))


async def send(bus: EventBus, make: Callable[[int], Record], *, rate: float, count: int, first: int = 0) -> None:
    """Publish ``count`` records at ``rate`` a second, each when it is due, answered or not."""
    sent: set[asyncio.Task[object]] = set()
    begin = clock.monotonic()
    for number in range(count):
        ahead = begin + number * SECOND / rate - clock.monotonic()
        if ahead > 0:
            await clock.sleep(ahead / SECOND)
        task: asyncio.Task[object] = asyncio.create_task(bus.publish([make(first + number)]))
        sent.add(task)
        task.add_done_callback(sent.discard)
    await asyncio.gather(*sent)
