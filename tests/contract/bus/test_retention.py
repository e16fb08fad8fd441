"""What a bus keeps, and for how long."""

import os
from dataclasses import replace

import pytest
from support.bus import ORDERS, drain, records

from millstream.bus import Subscription
from millstream.ops.clock import WallClock

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_trim_drops_what_is_older_than_the_retention(kind, address, connect):
    bus = await connect(kind, address)
    topic = replace(ORDERS, partitions=1, retention_seconds=60)
    await bus.create_topics([topic])
    await bus.publish(records(1000))
    await bus.trim([topic])
    assert await count_kept(bus) == 1000

    class Later(WallClock):
        def now(self):
            return super().now() + 61_000_000_000

    later = await connect(kind, address, clock=Later())
    await later.trim([topic])
    assert await count_kept(bus) < 100
    await bus.publish(records(1, start=5000))
    async with await bus.subscribe(Subscription(topics=[topic.name])) as consumer:
        assert (await drain(consumer, 1))[-1].value == b"5000"


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_trim_keeps_about_as_many_bytes_as_the_retention_says(kind, address, connect):
    bus = await connect(kind, address)
    topic = replace(ORDERS, partitions=1, retention_bytes=500_000)
    await bus.create_topics([topic])
    await bus.publish([replace(record, value=os.urandom(1000)) for record in records(3000)])
    await bus.trim([topic])
    assert 300 < await count_kept(bus) < 700


async def count_kept(bus):
    async with await bus.subscribe(Subscription(topics=[ORDERS.name])) as consumer:
        return await consumer.lag()


@pytest.mark.kafka
async def test_kafka_topics_carry_the_partitions_and_the_retention_of_the_table(kafka_bootstrap, connect):
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    bus = await connect("kafka", kafka_bootstrap)
    topic = replace(ORDERS, retention_seconds=7200, retention_bytes=50_000_000)
    await bus.create_topics([topic])
    await bus.trim([topic])
    name = bus._namespace + topic.name
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        described = await admin.describe_topics([name])
    finally:
        await admin.close()
    settings = {row[0]: row[1] for row in answers[0].resources[0][4]}
    assert len(described[0]["partitions"]) == 4
    assert settings["retention.ms"] == "7200000"
    assert settings["retention.bytes"] == "50000000"
    assert settings["cleanup.policy"] == "delete"
    assert int(settings["segment.bytes"]) <= 50_000_000 / 4
