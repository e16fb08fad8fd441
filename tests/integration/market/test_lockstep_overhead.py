"""What lock step costs where nobody trades: the market waits only for the trading service's offsets."""

import asyncio
import statistics
from itertools import pairwise

import pandas as pd
from support.market_rig import Background

from millstream.bus.base import EventBus, Subscription
from millstream.contracts.topics import MARKET_RAW_DATA
from millstream.market import candles
from millstream.market.feeds.base import bus_publisher
from millstream.market.feeds.lockstep import LockStepOptions, LockStepReplay
from millstream.market.sessions import create_replay
from millstream.ops.clock import WallClock
from millstream.store.database import connect, connect_sync

SLICES = 200
_SAVE = (
    "INSERT INTO consumed_offsets VALUES ('trading', %s, %s, %s)"
    " ON CONFLICT (consumer, topic, partition) DO UPDATE SET offset_ = excluded.offset_"
)


async def commit_offsets(dsn: str, bus: EventBus) -> None:
    async with (
        await connect(dsn, autocommit=True) as conn,
        await bus.subscribe(Subscription(topics=[MARKET_RAW_DATA.name])) as consumer,
    ):
        while True:
            newest = {(one.topic, one.partition): one.offset for one in await consumer.read(timeout=1.0)}
            for (topic, partition), offset in newest.items():
                await conn.execute(_SAVE, (topic, partition, offset), prepare=True)


async def test_slice_without_runners_takes_milliseconds(
    dsn: str, redis_bus: EventBus, background: Background, record_property
):
    index = pd.date_range("2024-01-01", periods=SLICES, freq="h", tz="UTC", name="open_time").as_unit("ns")
    with connect_sync(dsn) as conn:
        candles.load(conn, "X:A", "1h", pd.DataFrame(1.5, index=index, columns=list(candles.COLUMNS)), source="t")
        session = create_replay(conn, ["X:A"], "1h", lock_step=True)
    background.start(commit_offsets(dsn, redis_bus))
    clock, moments = WallClock(), []
    options = LockStepOptions(progress=lambda *_: moments.append(clock.monotonic()))
    await LockStepReplay(dsn, redis_bus, session, clock, options).run(bus_publisher(redis_bus))
    await asyncio.sleep(0)
    costs = [(right - left) / 1e6 for left, right in pairwise(moments)]
    median = statistics.median(costs)
    record_property("milliseconds_a_slice_p50", median)
    assert len(moments) == SLICES
    assert median < 20, f"a slice took {median:.1f} ms at p50; 4 ms is the aim on an idle machine"
