import asyncio
import os
import signal
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from support.market_rig import FakeRunner, FakeTrading, deploy, set_runner
from support.servers import temporary_home

from millstream.bus.base import EventBus
from millstream.bus.factory import create_bus
from millstream.contracts.errors import ConflictError, RetriableError
from millstream.contracts.events import Bar, BarOpened, MarketEvent, SessionEnded, Watermark
from millstream.contracts.topics import TOPICS
from millstream.market import candles
from millstream.market.feeds.base import bus_publisher
from millstream.market.feeds.lockstep import LockStepOptions, LockStepReplay, Stage
from millstream.market.sessions import MarketSession, SessionState, create_replay, get_session
from millstream.ops.clock import WallClock
from millstream.store.database import connect_sync
from millstream.store.embedded import EmbeddedRedis

KEYS = ("X:A", "X:B")
DAYS = 6


def frame(days: list[int]) -> pd.DataFrame:
    index = pd.DatetimeIndex([datetime(2024, 1, day, tzinfo=UTC) for day in days], name="open_time").as_unit("ns")
    base = [10.1 + day for day in days]
    return pd.DataFrame(
        {"open": base, "high": [p + 1 for p in base], "low": [p - 1 for p in base], "close": base, "volume": 1.0},
        index=index,
    )


@pytest.fixture
def session(dsn: str) -> MarketSession:
    """A lock-step session of two instruments: B begins on the third day and has a gap on the fifth."""
    with connect_sync(dsn) as conn:
        candles.load(conn, "X:A", "1d", frame([1, 2, 3, 4, 5, 6]), source="test")
        candles.load(conn, "X:B", "1d", frame([3, 4, 6]), source="test")
        return create_replay(conn, KEYS, "1d", lock_step=True)


def replay(dsn: str, bus: EventBus, session: MarketSession, **options: Any) -> LockStepReplay:
    return LockStepReplay(dsn, bus, session, WallClock(), LockStepOptions(**{"timeout": 10.0, **options}))


def state_of(dsn: str, session: MarketSession) -> MarketSession:
    with connect_sync(dsn) as conn:
        return get_session(conn, session.session_id)


def of(events: list[MarketEvent], instrument: str) -> list[tuple[str, int]]:
    return [(type(event).__name__, event.ts) for event in events if event.instrument == instrument]


async def test_slices_are_published_in_order_and_completely(dsn, bus, session, background):
    trading = FakeTrading(dsn, bus)
    background.start(trading.run())
    await replay(dsn, bus, session).run(bus_publisher(bus))
    day = 86_400 * 10**9
    first = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    expected = []
    for index in range(DAYS):
        if index in {2, 3, 5}:
            expected += [("BarOpened", first + index * day), ("Bar", first + (index + 1) * day)]
        expected.append(("Watermark", first + (index + 1) * day))
    expected.append(("SessionEnded", first + DAYS * day))
    assert of(trading.seen, "X:B") == expected
    assert len(of(trading.seen, "X:A")) == 3 * DAYS + 1
    for key in KEYS:
        sequences = [event.sequence for event in trading.seen if event.instrument == key]
        assert all(left < right for left, right in pairwise(sequences))
    ended = state_of(dsn, session)
    assert (ended.state, ended.position) == (SessionState.COMPLETED, first + DAYS * day)


async def test_prices_on_the_wire_are_the_stored_ones(dsn, bus, session, background):
    trading = FakeTrading(dsn, bus)
    background.start(trading.run())
    await replay(dsn, bus, session).run(bus_publisher(bus))
    bars = [event for event in trading.seen if isinstance(event, Bar) and event.instrument == "X:A"]
    assert [float(bar.close) for bar in bars] == frame([1, 2, 3, 4, 5, 6])["close"].tolist()
    assert str(bars[0].open) == repr(11.1)


async def test_next_bar_waits_for_runner_and_settled_intents(dsn, bus, session, background):
    deploy(dsn, "one", session.session_id)
    deploy(dsn, "two", session.session_id)
    trading = FakeTrading(dsn, bus, delay=0.03)
    runners = [FakeRunner(bus, name, session.session_id, KEYS) for name in ("one", "two")]
    for work in (trading, *runners):
        background.start(work.run())
    settled_at: list[int] = []

    async def look(stage: Stage, index: int, ts: int) -> None:
        if stage is Stage.FINISHED:
            settled_at.append(len(trading.settled))
            assert all(runner.slices[-1] == ts for runner in runners)

    await replay(dsn, bus, session, on_slice=look).run(bus_publisher(bus))
    assert settled_at == [2 * (index + 1) for index in range(DAYS)]
    assert all(after == {"p-one": 7, "p-two": 7} for after in runners[0].after)


async def test_watermarks_come_only_after_trading_has_consumed_the_bars(dsn, bus, session):
    trading = FakeTrading(dsn, bus)
    task: list[asyncio.Task[None]] = []

    async def start_late(stage: Stage, index: int, ts: int) -> None:
        if stage is Stage.BARS_PUBLISHED and not task:
            await asyncio.sleep(0.2)
            assert not trading.seen
            task.append(asyncio.create_task(trading.run()))
        if stage is Stage.BARS_CONSUMED and index == 0:
            assert {type(event) for event in trading.seen} == {BarOpened, Bar}

    await replay(dsn, bus, session, on_slice=start_late).run(bus_publisher(bus))
    task[0].cancel()
    assert any(isinstance(event, SessionEnded) for event in trading.seen)


async def test_first_slice_waits_until_the_runner_stands_ready(dsn, bus, session, background):
    deploy(dsn, "late", session.session_id, state="starting")
    trading, runner = FakeTrading(dsn, bus), FakeRunner(bus, "late", session.session_id, KEYS)
    background.start(trading.run())
    background.start(runner.run())
    playing = background.start(replay(dsn, bus, session).run(bus_publisher(bus)))
    await asyncio.sleep(0.3)
    assert not trading.seen
    set_runner(dsn, "late", "running")
    await playing
    assert len(runner.slices) == DAYS


async def test_runner_that_never_answers_is_named_after_the_timeout(dsn, bus, session, background):
    deploy(dsn, "mute", session.session_id)
    background.start(FakeTrading(dsn, bus).run())
    with pytest.raises(RetriableError, match=r"mute \(running\) to finish the slice of 2024-01-02"):
        await replay(dsn, bus, session, timeout=1.5).run(bus_publisher(bus))
    failed = state_of(dsn, session)
    assert failed.state is SessionState.FAILED
    assert "mute" in failed.message


async def test_trading_service_that_is_gone_is_named_after_the_timeout(dsn, bus, session):
    with pytest.raises(RetriableError, match=r"trading service to consume market\.raw\.data/"):
        await replay(dsn, bus, session, timeout=0.3).run(bus_publisher(bus))


async def test_intent_that_is_never_decided_is_named_after_the_timeout(dsn, bus, session, background):
    deploy(dsn, "lost", session.session_id)
    runner = FakeRunner(bus, "lost", session.session_id, KEYS)
    runner.publish_intents = False
    background.start(FakeTrading(dsn, bus).run())
    background.start(runner.run())
    with pytest.raises(RetriableError, match=r"settle 1 intents of 2024-01-02.*lost-"):
        await replay(dsn, bus, session, timeout=1.5).run(bus_publisher(bus))


@pytest.mark.parametrize("in_flight", ["submitted", "unknown", "pending_cancel"])
async def test_order_in_flight_holds_the_market(dsn, bus, session, background, in_flight):
    background.start(FakeTrading(dsn, bus).run())
    insert = (
        "INSERT INTO orders VALUES ('o', 'i', '', '', '', '', 1, 'd', 'p', 'X:A', %s, 'buy', 'market', 'gtc', false,"
        " 1, 0, null, null, null, null, null, %s, '', 1, '', 0, 0, 0, 0, 0, 0, 0, 0, 0)"
    )
    with connect_sync(dsn) as conn:
        conn.execute(insert, (session.session_id, in_flight))
    playing = background.start(replay(dsn, bus, session).run(bus_publisher(bus)))
    await asyncio.sleep(0.3)
    assert state_of(dsn, session).position == int(datetime(2024, 1, 2, tzinfo=UTC).timestamp()) * 10**9
    with connect_sync(dsn) as conn:
        conn.execute("UPDATE orders SET state = 'accepted'")
    await playing


async def test_cancel_request_without_order_is_settled_by_its_inbox_row(dsn, bus, session, background):
    deploy(dsn, "one", session.session_id)
    runner = FakeRunner(bus, "one", session.session_id, KEYS)
    runner.publish_intents = False
    background.start(FakeTrading(dsn, bus).run())
    background.start(runner.run())

    async def take_in(stage: Stage, index: int, ts: int) -> None:
        if stage is Stage.WATERMARK_PUBLISHED:
            with connect_sync(dsn) as conn:
                conn.execute(
                    "INSERT INTO intents VALUES (%s, 'one', 'p-one', 'X:A', %s, '', '', 0, 0)",
                    (f"one-{ts}", session.session_id),
                )

    await replay(dsn, bus, session, on_slice=take_in).run(bus_publisher(bus))
    assert len(runner.slices) == DAYS


@pytest.mark.parametrize("state", ["stopped", "held", "completed"])
async def test_runner_that_ends_aborts_the_replay(dsn, bus, session, background, state):
    deploy(dsn, "quits", session.session_id)
    runner = FakeRunner(bus, "quits", session.session_id, KEYS)
    background.start(FakeTrading(dsn, bus).run())
    background.start(runner.run())

    async def end(stage: Stage, index: int, ts: int) -> None:
        if (stage, index) == (Stage.FINISHED, 1):
            set_runner(dsn, "quits", state)

    with pytest.raises(ConflictError, match=rf"quits \({state}\) ended before the replay"):
        await replay(dsn, bus, session, on_slice=end).run(bus_publisher(bus))


async def test_runner_that_ends_is_dropped_when_told_so(dsn, bus, session, background):
    for name in ("stays", "quits"):
        deploy(dsn, name, session.session_id)
    stays, quits = (FakeRunner(bus, name, session.session_id, KEYS) for name in ("stays", "quits"))
    background.start(FakeTrading(dsn, bus).run())
    for runner in (stays, quits):
        background.start(runner.run())

    async def end(stage: Stage, index: int, ts: int) -> None:
        if (stage, index) == (Stage.BARS_CONSUMED, 2):
            quits.announce = quits.publish_intents = False
        if (stage, index) == (Stage.WATERMARK_PUBLISHED, 2):
            set_runner(dsn, "quits", "stopped")

    await replay(dsn, bus, session, on_slice=end, on_ended="drop").run(bus_publisher(bus))
    assert len(stays.slices) == DAYS
    assert set(stays.after[-1]) == {"p-stays"}


async def test_failed_runner_is_waited_for_until_it_is_restarted(dsn, bus, session, background):
    deploy(dsn, "phoenix", session.session_id)
    runner = FakeRunner(bus, "phoenix", session.session_id, KEYS)
    background.start(FakeTrading(dsn, bus).run())
    running = background.start(runner.run())

    async def kill(stage: Stage, index: int, ts: int) -> None:
        nonlocal running
        if (stage, index) == (Stage.BARS_PUBLISHED, 3):
            running.cancel()
            set_runner(dsn, "phoenix", "failed")
            background.start(revive())

    async def revive() -> None:
        await asyncio.sleep(0.3)
        set_runner(dsn, "phoenix", "running")
        background.start(runner.run())

    await replay(dsn, bus, session, on_slice=kill).run(bus_publisher(bus))
    assert len(runner.slices) == DAYS


async def test_checkpoint_counts_when_the_message_was_lost(dsn, bus, session, background):
    deploy(dsn, "quiet", session.session_id)
    runner = FakeRunner(bus, "quiet", session.session_id, KEYS)
    runner.announce = False
    background.start(FakeTrading(dsn, bus).run())
    background.start(runner.run())

    async def store(stage: Stage, index: int, ts: int) -> None:
        if stage is Stage.WATERMARK_PUBLISHED:
            with connect_sync(dsn) as conn:
                conn.execute("UPDATE runners SET checkpoint_ts = %s", (ts,))

    await replay(dsn, bus, session, on_slice=store).run(bus_publisher(bus))
    assert len(runner.slices) == DAYS


async def test_resumed_replay_goes_on_at_its_position_with_the_same_events(dsn, bus, session, background):
    trading = FakeTrading(dsn, bus)
    background.start(trading.run())

    async def stop(stage: Stage, index: int, ts: int) -> None:
        if (stage, index) == (Stage.WATERMARK_PUBLISHED, 2):
            raise ConflictError("pulled the plug")

    with pytest.raises(ConflictError, match="plug"):
        await replay(dsn, bus, session, on_slice=stop).run(bus_publisher(bus))
    assert state_of(dsn, session).state is SessionState.FAILED
    await replay(dsn, bus, session).run(bus_publisher(bus))
    by_id: dict[str, MarketEvent] = {}
    for event in trading.seen:
        known = by_id.setdefault(event.event_id, event)
        assert (known.instrument, known.sequence, known.ts) == (event.instrument, event.sequence, event.ts)
    assert len(by_id) == 3 * DAYS + (2 * 3 + DAYS) + 2
    assert sum(isinstance(event, Watermark) for event in by_id.values()) == 2 * DAYS
    assert state_of(dsn, session).state is SessionState.COMPLETED


async def test_lost_bus_is_waited_for(dsn, bus, session, background):
    background.start(FakeTrading(dsn, bus).run())
    publish, failures = bus_publisher(bus), iter([True, False, True] + [False] * 100)

    async def flaky(events):
        if next(failures):
            raise RetriableError("the bus is down")
        return await publish(events)

    await replay(dsn, bus, session).run(flaky)
    assert state_of(dsn, session).state is SessionState.COMPLETED


async def test_progress_reports_every_slice(dsn, bus, session, background):
    background.start(FakeTrading(dsn, bus).run())
    seen: list[tuple[int, int]] = []
    await replay(dsn, bus, session, progress=lambda done, total, _ts: seen.append((done, total))).run(
        bus_publisher(bus)
    )
    assert seen == [(index + 1, DAYS) for index in range(DAYS)]


async def test_redis_carries_the_same_replay(dsn, redis_bus, session, background):
    deploy(dsn, "one", session.session_id)
    trading = FakeTrading(dsn, redis_bus)
    runner = FakeRunner(redis_bus, "one", session.session_id, KEYS)
    background.start(trading.run())
    background.start(runner.run())
    await replay(dsn, redis_bus, session).run(bus_publisher(redis_bus))
    assert len(runner.slices) == DAYS
    assert len(of(trading.seen, "X:A")) == 3 * DAYS + 1


async def test_lost_database_connection_is_made_again(dsn, bus, session, background):
    background.start(FakeTrading(dsn, bus).run())

    async def cut(stage: Stage, index: int, ts: int) -> None:
        if (stage, index) == (Stage.BARS_PUBLISHED, 2):
            with connect_sync(dsn, autocommit=True) as conn:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'millstream-replay' AND datname = current_database()"
                )

    await replay(dsn, bus, session, on_slice=cut).run(bus_publisher(bus))
    assert state_of(dsn, session).state is SessionState.COMPLETED


@pytest.mark.slow
async def test_killed_redis_costs_time_and_no_slice(dsn, session, background):
    deploy(dsn, "one", session.session_id)
    with temporary_home() as home:
        server = EmbeddedRedis(home)
        async with create_bus("redis", await asyncio.to_thread(server.ensure), clock=WallClock()) as bus:
            await bus.create_topics(TOPICS.values())
            trading, runner = FakeTrading(dsn, bus), FakeRunner(bus, "one", session.session_id, KEYS)
            background.start(trading.run())
            background.start(runner.run())

            async def kill(stage: Stage, index: int, ts: int) -> None:
                if (stage, index) in {(Stage.BARS_CONSUMED, 1), (Stage.WATERMARK_PUBLISHED, 3)}:
                    pid = server.status().pid
                    assert pid is not None
                    os.kill(pid, signal.SIGKILL)
                    background.start(asyncio.to_thread(server.ensure))

            await replay(dsn, bus, session, on_slice=kill, timeout=30.0).run(bus_publisher(bus))
            await background.stop()
    assert len(runner.slices) == DAYS
    assert len(trading.settled) == DAYS
