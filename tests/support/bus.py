"""What the tests of the buses share: records, readers, an instance of a group."""

import asyncio
import itertools
from collections import Counter, defaultdict

import pytest

from millstream.bus import Record, Subscription, TopicPartition
from millstream.contracts.topics import Topic

ORDERS = Topic("orders.test", "instrument", 4)
QUOTES = Topic("quotes.test", "instrument", 2)
KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)


def records(count, *, keys=("A:1", "B:2", "C:3", "D:4", "E:5"), topic=ORDERS.name, start=0):
    return [
        Record(topic, key, str(number).encode())
        for number, key in zip(range(start, start + count), itertools.cycle(keys), strict=False)
    ]


async def drain(consumer, count, *, seconds=30.0, max_records=500):
    found = []
    async with asyncio.timeout(seconds):
        while len(found) < count:
            found += await consumer.read(max_records=max_records, timeout=1.0)
    return found


async def eventually(condition, seconds=40.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # it happens in another process
            await asyncio.sleep(0.02)


def by_key(deliveries):
    values = defaultdict(list)
    for delivery in deliveries:
        values[delivery.key].append(int(delivery.value))
    return values


def once(values):
    return list(dict.fromkeys(values))


class Instance:
    """One instance of a group that reads in a task of its own."""

    def __init__(self, consumer):
        self.consumer = consumer
        self.found = []
        self.assigned = frozenset()
        self.task = asyncio.create_task(self._read())

    @classmethod
    async def join(cls, bus, **options):
        subscription = Subscription(topics=[ORDERS.name], group="g", **options)
        return cls(await bus.subscribe(subscription))

    async def _read(self):
        while True:
            self.found += await self.consumer.read(timeout=0.2)
            self.assigned = self.consumer.assignment()

    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def leave(self):
        await self.stop()
        await self.consumer.close()


def shared(*instances):
    """Whether the instances share all partitions of ORDERS, each one read by exactly one."""
    counted = Counter(partition for instance in instances for partition in instance.assigned)
    return set(counted) == {TopicPartition(ORDERS.name, number) for number in range(4)} and set(counted.values()) == {1}


def each_reads(*instances):
    return shared(*instances) and all(instance.assigned for instance in instances)
