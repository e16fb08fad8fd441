import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from support.market_rig import Background
from support.servers import temporary_home

from millstream.bus.base import EventBus, Record, Subscription
from millstream.contracts.codec import decode
from millstream.contracts.events import Bar, InstrumentRegistered
from millstream.contracts.instrument import Instrument
from millstream.contracts.topics import DEAD_LETTERS, INSTRUMENT_REGISTERED, MARKET_RAW_DATA
from millstream.market import candles, instruments
from millstream.market.feeds.base import bus_publisher
from millstream.market.feeds.simulated import SimulatedFeed, SimulationOptions
from millstream.market.ingestion import CONSUMER, Ingestion
from millstream.market.service import MarketService
from millstream.market.sessions import LIVE, SessionState, get_session
from millstream.ops.clock import WallClock
from millstream.store.database import connect_sync
from millstream.store.embedded import EmbeddedPostgres

MINUTE = 60 * 10**9


def bar(index: int, *, session: str = "", close: str = "1.25") -> Bar:
    return Bar(
        event_id=f"{session}-{index}-{close}",
        occurred_at=0,
        instrument="X:A",
        session=session,
        sequence=index,
        ts=(index + 1) * MINUTE,
        timeframe="1m",
        open_time=index * MINUTE,
        open=Decimal("1.1"),
        high=Decimal("1.5"),
        low=Decimal("1.0"),
        close=Decimal(close),
        volume=Decimal(7),
    )


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a database
            await asyncio.sleep(0.02)


def stored(dsn: str) -> list[float]:
    with connect_sync(dsn) as conn:
        frame = candles.read(conn, "X:A", "1m")
    closes: list[float] = frame["close"].tolist()
    return closes


def offsets(dsn: str) -> int:
    with connect_sync(dsn) as conn:
        row = conn.execute("SELECT coalesce(sum(offset_), 0) FROM consumed_offsets WHERE consumer = %s", (CONSUMER,))
        return int(row.fetchone()[0])


async def test_live_bars_become_candles_once(dsn: str, bus: EventBus, background: Background):
    publish = bus_publisher(bus)
    await publish([bar(0), bar(1), bar(1), bar(1, session="replay-x", close="9"), bar(0)])
    background.start(Ingestion(dsn, bus, WallClock()).run())
    await until(lambda: len(stored(dsn)) == 2)
    await publish([bar(2)])
    await until(lambda: len(stored(dsn)) == 3)
    assert stored(dsn) == [1.25, 1.25, 1.25]


async def test_ingestion_goes_on_behind_its_stored_offsets(dsn: str, bus: EventBus):
    publish = bus_publisher(bus)
    for first in (0, 2):
        await publish([bar(first), bar(first + 1)])
        task = asyncio.create_task(Ingestion(dsn, bus, WallClock()).run())
        await until(lambda wanted=first + 2: len(stored(dsn)) == wanted)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert offsets(dsn) == 3


async def test_stored_candle_with_other_values_stays(dsn: str, bus: EventBus, background: Background):
    await bus_publisher(bus)([bar(0), bar(0, close="1.3"), bar(1)])
    background.start(Ingestion(dsn, bus, WallClock()).run())
    await until(lambda: len(stored(dsn)) == 2)
    await bus_publisher(bus)([bar(0, close="1.4"), bar(2)])
    await until(lambda: len(stored(dsn)) == 3)
    assert stored(dsn) == [1.25, 1.25, 1.25]


async def test_message_that_cannot_be_read_is_a_dead_letter(dsn: str, bus: EventBus, background: Background):
    await bus.publish([Record(MARKET_RAW_DATA.name, "X:A", b"{}")])
    await bus_publisher(bus)([bar(0)])
    background.start(Ingestion(dsn, bus, WallClock()).run())
    await until(lambda: len(stored(dsn)) == 1)
    async with await bus.subscribe(Subscription(topics=[DEAD_LETTERS.name])) as consumer:
        (letter,) = await consumer.read(timeout=5)
    assert b'"source":"ingestion"' in letter.value


async def test_service_registers_fills_in_feeds_and_ingests(dsn: str, redis_bus: EventBus):
    options = SimulationOptions(speed=600.0, quote_seconds=30, history_days=0.1)
    service = MarketService(dsn, redis_bus, WallClock(), [SimulatedFeed(WallClock(), options)])
    task = asyncio.create_task(service.run())

    def rows() -> int:
        with connect_sync(dsn) as conn:
            return sum(one.rows for one in candles.series(conn))

    await until(lambda: rows() > 3 * 120)
    before = rows()
    await until(lambda: rows() > before + 6)
    with connect_sync(dsn) as conn:
        assert instruments.resolve(conn, "BTC/USDT") == "SIM:BTC/USDT"
        assert get_session(conn, LIVE).state is SessionState.RUNNING
        assert set(get_session(conn, LIVE).instruments) == set(instruments.keys(conn))
    async with await redis_bus.subscribe(Subscription(topics=[INSTRUMENT_REGISTERED.name])) as consumer:
        events = [decode(one.topic, one.value) for one in await consumer.read(timeout=5)]
    assert {one.instrument.key for one in events if isinstance(one, InstrumentRegistered)} >= {"SIM:BTC/USDT"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with connect_sync(dsn) as conn:
        assert get_session(conn, LIVE).state is SessionState.COMPLETED


async def test_instrument_registered_while_the_service_runs_is_collected(
    dsn: str, redis_bus: EventBus, background: Background
):
    options = SimulationOptions(speed=600.0, quote_seconds=30, history_days=0.1)
    background.start(MarketService(dsn, redis_bus, WallClock(), [SimulatedFeed(WallClock(), options)]).run())
    mine = Instrument(exchange="SIM", symbol="DOGE/USDT", currency="USDT", price_tick=Decimal("0.0001"))

    def carried() -> bool:
        with connect_sync(dsn) as conn:
            rows = conn.execute("SELECT instruments FROM market_sessions WHERE session_id = ''").fetchall()
        return any(mine.key in row[0] for row in rows)

    def rows() -> int:
        with connect_sync(dsn) as conn:
            return next((one.rows for one in candles.series(conn) if one.instrument == mine.key), 0)

    def open_() -> bool:
        with connect_sync(dsn) as conn:
            return bool(conn.execute("SELECT 1 FROM market_sessions WHERE state = 'running'").fetchall())

    await until(open_)
    with connect_sync(dsn) as conn:
        instruments.register(conn, mine)
    await instruments.announce(redis_bus, WallClock(), [mine])
    await until(carried)
    before = rows()
    assert before >= 120, "the past is filled in"
    await until(lambda: rows() > before + 3)


@pytest.mark.slow
def test_process_serves_until_sigterm_and_exits_cleanly():
    with temporary_home() as home:
        environment: dict[str, Any] = {**os.environ, "MILLSTREAM_HOME": str(home), "MILLSTREAM_BUS": "redis"}
        process = subprocess.Popen(
            [sys.executable, "-m", "millstream.market", "simulated:speed=60,history_days=0.05"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "market service ready" in line:
                break
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
        assert process.returncode == 0, "".join(lines) + rest
        with connect_sync(EmbeddedPostgres(home).ensure()) as conn:
            assert {one.instrument for one in candles.series(conn)} == {"SIM:BTC/USDT", "SIM:ETH/USDT", "SIM:SOL/USDT"}
            assert get_session(conn, LIVE).state is SessionState.COMPLETED


def test_unknown_feed_ends_the_process_with_a_message():
    with temporary_home() as home:
        done = subprocess.run(
            [sys.executable, "-m", "millstream.market", "simulatd"],
            env={**os.environ, "MILLSTREAM_HOME": str(home), "MILLSTREAM_BUS": "memory"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "Did you mean 'simulated'" in done.stderr
