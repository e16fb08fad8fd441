"""Topics, namespaces and mistakes."""

from dataclasses import replace
from uuid import uuid4

import pytest
from support.bus import ORDERS, QUOTES, drain, records

from millstream.bus import Record, Subscription, TopicPartition, partition_of
from millstream.contracts.errors import InputError, NotFoundError, RetriableError

pytestmark = pytest.mark.timeout(120)


async def test_creating_a_topic_again_leaves_it_as_it_is(kind, address, bus, connect):
    await bus.publish(records(10))
    other = await connect(kind, address)
    await other.create_topics([replace(ORDERS, partitions=9), QUOTES])
    stored = await other.publish(records(1, keys=["A:1"]))
    assert stored[0].partition == partition_of("A:1", 4)
    async with await other.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        assert len(consumer.assignment()) == 4
        assert len(await drain(consumer, 11)) == 11


async def test_namespaces_are_separate(kind, address, bus, connect):
    other = await connect(kind, address, namespace=f"u{uuid4().hex[:8]}.")
    await other.create_topics([ORDERS])
    await bus.publish(records(3))
    await other.publish(records(2))
    async with await other.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        assert {d.topic for d in await drain(consumer, 2)} == {ORDERS.name}
        assert await consumer.lag() == 0


async def test_an_unknown_topic_is_an_error_and_is_not_created(bus):
    for _ in range(2):
        with pytest.raises(NotFoundError, match=r"no\.such\.topic"):
            await bus.publish([Record("no.such.topic", "k", b"v")])
        with pytest.raises(NotFoundError, match=r"no\.such\.topic"):
            await bus.subscribe(Subscription(topics=["no.such.topic"]))


async def test_commit_without_a_group_is_an_error(bus):
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        with pytest.raises(InputError, match="group"):
            await consumer.commit()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"topics": []}, "no topic"),
        ({"topics": [ORDERS.name], "group": "g", "partitions": [TopicPartition(ORDERS.name, 0)]}, "group"),
        ({"topics": [ORDERS.name], "partitions": [TopicPartition(ORDERS.name, 4)]}, "no number 4"),
    ],
)
async def test_a_contradictory_subscription_is_an_error(bus, options, message):
    with pytest.raises(InputError, match=message):
        await bus.subscribe(Subscription(**options))


async def test_a_closed_bus_and_a_closed_consumer_say_so(bus):
    consumer = await bus.subscribe(Subscription(topics=[ORDERS.name]))
    await consumer.close()
    await consumer.close()
    with pytest.raises(InputError, match="closed"):
        await consumer.read(timeout=0)
    await bus.close()
    await bus.close()
    with pytest.raises(RetriableError, match="not open"):
        await bus.publish(records(1))
