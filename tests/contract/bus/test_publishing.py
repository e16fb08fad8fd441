"""What every bus promises about publishing and reading. Redis and Kafka are real servers."""

import asyncio
import itertools
import time
from collections import defaultdict
from dataclasses import replace

import pytest
from support.bus import ORDERS, QUOTES, by_key, drain, records

from millstream.bus import Record, Subscription, partition_of

pytestmark = pytest.mark.timeout(120)


async def test_records_of_a_key_keep_their_order(bus):
    for start in range(0, 300, 60):
        await bus.publish(records(60, start=start))
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        found = by_key(await drain(consumer, 300, max_records=37))
    assert {key: sorted(values) for key, values in found.items()} == found
    assert sorted(itertools.chain(*found.values())) == list(range(300))


async def test_a_key_goes_to_the_partition_that_partition_of_names(bus):
    sent = records(40, keys=[f"NASDAQ:S{number}" for number in range(20)])
    stored = await bus.publish(sent)
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        found = await drain(consumer, 40)
    assert {d.key: d.partition for d in found} == {r.key: partition_of(r.key, 4) for r in sent}
    assert [place.partition for place in stored] == [partition_of(record.key, 4) for record in sent]


async def test_publish_returns_where_each_record_stands(bus):
    stored = await bus.publish(records(50))
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        found = await drain(consumer, 50)
    assert {(d.topic, d.partition, d.offset): int(d.value) for d in found} == {
        tuple(place): number for number, place in enumerate(stored)
    }
    offsets = defaultdict(list)
    for place in stored:
        offsets[place.partition].append(place.offset)
    assert all(values == sorted(set(values)) for values in offsets.values())


async def test_publishing_nothing_stores_nothing(bus):
    assert await bus.publish([]) == []


async def test_headers_and_binary_values_arrive_as_they_were_sent(bus):
    value = bytes(range(256)) * 4
    headers = {"trace_id": "ab\r\nc", "ütf": "—", "empty": ""}
    before = time.time_ns()
    await bus.publish([Record(ORDERS.name, "ключ", value, headers), Record(ORDERS.name, "", b"", {})])
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        found = {delivery.key: delivery for delivery in await drain(consumer, 2)}
    assert (found["ключ"].value, dict(found["ключ"].headers)) == (value, headers)
    assert (found[""].value, dict(found[""].headers)) == (b"", {})
    assert abs(found["ключ"].timestamp - before) < 5_000_000_000


async def test_a_waiting_reader_gets_a_record_at_once(bus):
    async with await bus.subscribe(Subscription(topics=[ORDERS.name, QUOTES.name])) as consumer:
        hops = []
        await consumer.read(timeout=0.3)
        for record in records(15):
            reading = asyncio.create_task(consumer.read(timeout=10))
            await asyncio.sleep(0.01)
            start = time.perf_counter()
            await bus.publish([record])
            assert [delivery.value for delivery in await reading] == [record.value]
            hops.append(time.perf_counter() - start)
    assert sorted(hops)[len(hops) // 2] < 0.05


async def test_reading_returns_empty_when_its_time_is_over(bus):
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        start = time.perf_counter()
        assert await consumer.read(timeout=0.2) == []
        assert 0.15 < time.perf_counter() - start < 2
        assert await consumer.read(timeout=0) == []


async def test_a_cancelled_read_loses_nothing(bus):
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(consumer.read(), 0.1)
        await bus.publish(records(5))
        assert sorted(int(d.value) for d in await drain(consumer, 5)) == list(range(5))


async def test_a_very_large_publish_arrives_complete_and_in_order(bus):
    sent = [replace(record, value=record.value.rjust(1500, b"0")) for record in records(3000)]
    stored = await bus.publish(sent)
    assert len(set(stored)) == 3000
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        found = by_key(await drain(consumer, 3000))
    assert all(values == sorted(values) for values in found.values())
    assert sum(map(len, found.values())) == 3000


async def test_several_publishers_at_once_each_keep_their_order(bus):
    async def publish(key):
        for number in range(30):
            await bus.publish([Record(ORDERS.name, key, str(number).encode())])

    await asyncio.gather(*(publish(key) for key in "abcdef"))
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        found = by_key(await drain(consumer, 180))
    assert found == {key: list(range(30)) for key in "abcdef"}
