from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from support.market_rig import Background, FakeTrading

from millstream.bus.base import EventBus
from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import ConfigurationError, ConflictError, InputError, NotFoundError
from millstream.contracts.events import MarketEvent
from millstream.market import candles
from millstream.market.feeds import FeedContext, create_feed
from millstream.market.feeds.replay import Pace, ReplayFeed
from millstream.market.sessions import (
    LIVE,
    MarketSession,
    SessionState,
    create_replay,
    finish_session,
    get_session,
    list_sessions,
    open_live,
    session_for,
)
from millstream.store.database import connect_sync


@pytest.fixture
def session(dsn: str) -> MarketSession:
    index = pd.date_range("2024-01-01", periods=4, freq="h", tz="UTC", name="open_time").as_unit("ns")
    with connect_sync(dsn) as conn:
        candles.load(conn, "X:A", "1h", pd.DataFrame(1.5, index=index, columns=list(candles.COLUMNS)), source="test")
        return create_replay(conn, ["X:A"], "1h")


class Recorder:
    """Keeps what is published, with the time of the clock."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.batches: list[tuple[int, list[MarketEvent]]] = []

    async def __call__(self, events: Any) -> list[Any]:
        self.batches.append((self.clock.now(), list(events)))
        return []


@pytest.mark.parametrize(
    ("pace", "gap"),
    [(Pace(), 0.0), (Pace(bars_per_second=4), 0.25), (Pace(real_time=3600), 1.0)],
)
async def test_replay_keeps_its_pace(dsn: str, session: MarketSession, pace: Pace, gap: float):
    clock = ManualClock(10**18)
    recorder = Recorder(clock)
    await ReplayFeed(dsn, session, clock, pace=pace).run(recorder)
    moments = [moment - 10**18 for moment, _ in recorder.batches]
    assert moments == [round(index * gap * 1e9) for index in range(4)] + [round(3 * gap * 1e9)]
    kinds = [type(event).__name__ for _, events in recorder.batches for event in events]
    assert kinds == ["BarOpened", "Bar", "Watermark"] * 4 + ["SessionEnded"]


async def test_replay_of_a_window_plays_only_its_bars(dsn: str, session: MarketSession):
    recorder = Recorder(ManualClock())
    start, end = datetime(2024, 1, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 3, tzinfo=UTC)
    await ReplayFeed(dsn, session, ManualClock(), start=start, end=end).run(recorder)
    assert len(recorder.batches) == 3


async def test_interrupted_replay_is_failed_and_goes_on_behind(dsn: str, session: MarketSession):
    recorder = Recorder(ManualClock())
    calls = 0

    async def break_third(events: Any) -> list[Any]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConflictError("stop")
        return await recorder(events)

    with pytest.raises(ConflictError):
        await ReplayFeed(dsn, session, ManualClock()).run(break_third)
    with connect_sync(dsn) as conn:
        failed = get_session(conn, session.session_id)
    assert (failed.state, failed.message) == (SessionState.FAILED, "stop")
    await ReplayFeed(dsn, session, ManualClock()).run(recorder)
    ids = {event.event_id for _, events in recorder.batches for event in events}
    assert len(ids) == 4 * 3 + 1


async def test_replay_without_candles_says_what_is_missing(dsn: str):
    with connect_sync(dsn) as conn:
        session = create_replay(conn, ["X:NONE"], "1h")
    with pytest.raises(NotFoundError, match="1h candles of X:NONE"):
        await ReplayFeed(dsn, session, ManualClock()).run(Recorder(ManualClock()))


async def test_replay_feed_is_made_by_name(dsn: str, session: MarketSession, bus: EventBus, background: Background):
    background.start(FakeTrading(dsn, bus).run())
    feed = create_feed("replay", FeedContext(dsn, ManualClock(), {"session": session.session_id, "speed": "2"}))
    assert (feed.session, feed.instruments, feed.timeframe) == (session.session_id, ("X:A",), "1h")
    with pytest.raises(ConfigurationError, match="needs a session"):
        create_feed("replay", FeedContext(dsn, ManualClock()))
    with pytest.raises(InputError, match="no option 'sped'"):
        create_feed("replay", FeedContext(dsn, ManualClock(), {"sped": "2"}))


def test_two_speeds_or_a_negative_one_are_refused():
    with pytest.raises(InputError):
        Pace(bars_per_second=1, real_time=1)
    with pytest.raises(InputError):
        Pace(bars_per_second=-1)


def test_session_is_found_by_what_it_carries(dsn: str, session: MarketSession):
    with connect_sync(dsn) as conn:
        assert session_for(conn, ["X:A"]).session_id == session.session_id
        open_live(conn, ["X:A", "X:B"], "1m")
        assert session_for(conn, ["X:A"]).session_id == LIVE
        finish_session(conn, LIVE)
        assert session_for(conn, ["X:A"]).session_id == session.session_id
        with pytest.raises(NotFoundError, match=r"no market is open for X:A, X:B") as failure:
            session_for(conn, ["X:A", "X:B"])
        assert session.session_id in failure.value.hint
        assert len(list_sessions(conn)) == 2


def test_name_of_a_session_is_taken_once(dsn: str):
    with connect_sync(dsn) as conn:
        create_replay(conn, ["X:A"], "1h", session_id="replay-mine")
        with pytest.raises(ConflictError, match="replay-mine"):
            create_replay(conn, ["X:A"], "1h", session_id="replay-mine")
        with pytest.raises(NotFoundError):
            get_session(conn, "replay-yours")
