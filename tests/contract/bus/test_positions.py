"""Where a reader begins, and how much it takes."""

import asyncio
import os
import tracemalloc
from dataclasses import replace

import pytest
from support.bus import ORDERS, drain, records

from millstream.bus import StartAt, Subscription, TopicPartition, partition_of

pytestmark = pytest.mark.timeout(120)


async def test_reading_goes_on_behind_offsets_kept_elsewhere(bus):
    await bus.publish(records(40))
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        first = await drain(consumer, 17, max_records=17)
    after = {}
    for delivery in first:
        after[TopicPartition(delivery.topic, delivery.partition)] = delivery.offset
    async with await bus.subscribe(Subscription(topics=[ORDERS.name], after=after)) as consumer:
        rest = await drain(consumer, 40 - len(first))
        assert await consumer.read(timeout=0.2) == []
    assert sorted(int(d.value) for d in first + rest) == list(range(40))


async def test_a_known_offset_wins_over_latest(bus):
    stored = await bus.publish(records(3, keys=["A:1"]))
    after = {TopicPartition(*stored[0][:2]): stored[0].offset}
    subscription = Subscription(topics=[ORDERS.name], after=after, start_at=StartAt.LATEST)
    async with await bus.subscribe(subscription) as consumer:
        assert [d.value for d in await drain(consumer, 2)] == [b"1", b"2"]


async def test_latest_begins_behind_what_was_there_when_it_subscribed(bus):
    await bus.publish(records(20))
    async with await bus.subscribe(Subscription(topics=[ORDERS.name], start_at=StartAt.LATEST)) as consumer:
        await bus.publish(records(5, start=100))
        assert sorted(int(d.value) for d in await drain(consumer, 5)) == list(range(100, 105))
        assert await consumer.read(timeout=0.2) == []


async def test_only_the_chosen_partitions_are_read(bus):
    await bus.publish(records(40, keys=[f"k{number}" for number in range(20)]))
    chosen = [TopicPartition(ORDERS.name, 1), TopicPartition(ORDERS.name, 3)]
    async with await bus.subscribe(Subscription(topics=[ORDERS.name], partitions=iter(chosen))) as consumer:
        expected = sum(partition_of(f"k{number}", 4) in {1, 3} for number in range(20)) * 2
        assert {d.partition for d in await drain(consumer, expected)} == {1, 3}
        assert consumer.assignment() == set(chosen)


async def test_consumers_without_a_group_each_read_everything(bus):
    async with (
        await bus.subscribe(Subscription(topics=[ORDERS.name])) as one,
        await bus.subscribe(Subscription(topics=[ORDERS.name])) as other,
    ):
        await bus.publish(records(10))
        assert len(await drain(one, 10)) == len(await drain(other, 10)) == 10


async def test_read_returns_no_more_than_asked_for(bus):
    await bus.publish(records(200))
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        sizes = []
        while sum(sizes) < 200:
            sizes.append(len(await consumer.read(max_records=7, timeout=5)))
    assert max(sizes) == 7


async def test_a_slow_reader_holds_a_bounded_part_of_what_is_there(bus):
    for start in range(0, 6000, 500):
        await bus.publish([replace(r, value=os.urandom(8000)) for r in records(500, start=start)])
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        tracemalloc.start()
        try:
            assert len(await consumer.read(max_records=10, timeout=10)) <= 10
            await asyncio.sleep(0.5)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert held < 20_000_000 < 6000 * 8000


async def test_lag_counts_what_was_published_and_not_yet_returned(bus):
    await bus.publish(records(30))
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        assert await consumer.lag() == 30
        found = await consumer.read(max_records=10, timeout=10)
        assert await consumer.lag() == 30 - len(found)
        await drain(consumer, 30 - len(found))
        assert await consumer.lag() == 0
        await bus.publish(records(2500))
        assert await consumer.lag() == 2500
