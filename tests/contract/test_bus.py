"""What every bus promises. Redis and Kafka are real servers."""

import asyncio
import gc
import itertools
import os
import signal
import sys
import textwrap
import time
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import replace
from uuid import uuid4

import pytest

from millstream.bus import Record, StartAt, Subscription, TopicPartition, create_bus, partition_of
from millstream.contracts.errors import InputError, NotFoundError, RetriableError
from millstream.contracts.topics import Topic
from millstream.ops.clock import WallClock

pytestmark = pytest.mark.timeout(120)

ORDERS = Topic("orders.test", "instrument", 4)
QUOTES = Topic("quotes.test", "instrument", 2)
KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)


@pytest.fixture(params=["memory", "redis", KAFKA])
def kind(request):
    return request.param


@pytest.fixture(params=["redis", KAFKA])
def server_kind(request):
    return request.param


def address_of(kind, request):
    if kind == "memory":
        return uuid4().hex
    return request.getfixturevalue("redis_url" if kind == "redis" else "kafka_bootstrap")


@pytest.fixture
async def connect(request):
    """Open another bus: ``connect(kind, address, …)``; all of them share a namespace and are closed at the end."""
    namespace = f"t{uuid4().hex[:12]}."
    buses = []

    async def make(kind, address, *, clock=None, patience=20.0, namespace=namespace):
        bus = create_bus(kind, address, clock=clock or WallClock(), namespace=namespace, patience=patience)
        buses.append(bus)
        await bus.open()
        return bus

    yield make
    for bus in buses:
        await bus.close()


@pytest.fixture
async def address(kind, request):
    return address_of(kind, request)


@pytest.fixture
async def bus(kind, address, connect):
    bus = await connect(kind, address)
    await bus.create_topics([ORDERS, QUOTES])
    return bus


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


# --- publishing and reading


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


# --- where to begin


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


# --- slow readers


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


# --- groups


async def test_what_was_not_committed_is_delivered_again(bus):
    await bus.publish(records(20))
    subscription = Subscription(topics=[ORDERS.name], group="g")
    async with await bus.subscribe(subscription) as consumer:
        first = await drain(consumer, 20)
    async with await bus.subscribe(subscription) as consumer:
        again = await drain(consumer, 20)
        await consumer.commit()
    await bus.publish(records(5, start=50))
    async with await bus.subscribe(subscription) as consumer:
        rest = await drain(consumer, 5)
    assert by_key(first) == by_key(again)
    assert sorted(int(d.value) for d in rest) == list(range(50, 55))


async def test_commit_stores_the_position_behind_what_was_returned(bus):
    await bus.publish(records(20, keys=["A:1"]))
    subscription = Subscription(topics=[ORDERS.name], group="g")
    async with await bus.subscribe(subscription) as consumer:
        assert len(await drain(consumer, 7, max_records=7)) == 7
        await consumer.commit()
    async with await bus.subscribe(subscription) as consumer:
        assert [int(d.value) for d in await drain(consumer, 13)] == list(range(7, 20))


async def test_groups_do_not_disturb_each_other(bus):
    await bus.publish(records(10))
    for group in ("one", "two"):
        async with await bus.subscribe(Subscription(topics=[ORDERS.name], group=group)) as consumer:
            assert len(await drain(consumer, 10)) == 10
            await consumer.commit()


async def test_a_group_begins_where_on_assigned_says_and_is_told_what_it_loses(bus):
    stored = await bus.publish(records(20, keys=["A:1"]))
    told = []

    async def on_assigned(partitions):
        told.append(("assigned", sorted(partitions)))
        return {TopicPartition(*stored[11][:2]): stored[11].offset}

    async def on_revoked(partitions):
        told.append(("revoked", sorted(partitions)))

    subscription = Subscription(topics=[ORDERS.name], group="g", on_assigned=on_assigned, on_revoked=on_revoked)
    async with await bus.subscribe(subscription) as consumer:
        assert [int(d.value) for d in await drain(consumer, 8)] == list(range(12, 20))
    everything = [TopicPartition(ORDERS.name, number) for number in range(4)]
    assert told == [("assigned", everything), ("revoked", everything)]


async def test_an_error_in_a_callback_reaches_the_reader(bus):
    async def on_assigned(partitions):
        raise RuntimeError("no offsets")

    subscription = Subscription(topics=[ORDERS.name], group="g", on_assigned=on_assigned)
    async with await bus.subscribe(subscription) as consumer:
        with pytest.raises(RuntimeError, match="no offsets"):
            await drain(consumer, 1)


async def test_instances_share_the_partitions_when_one_joins_and_when_one_leaves(kind, address, bus, connect):
    first = await Instance.join(bus)
    await eventually(lambda: shared(first))
    second = await Instance.join(await connect(kind, address))
    await eventually(lambda: each_reads(first, second))
    assert len(first.assigned) == len(second.assigned) == 2
    await bus.publish(records(100, keys=[f"k{number}" for number in range(25)]))
    await eventually(lambda: len(first.found) + len(second.found) >= 100)
    assert {d.partition for d in first.found}.isdisjoint(d.partition for d in second.found)
    await second.leave()
    await eventually(lambda: shared(first))
    await first.leave()


async def test_partitions_change_hands_without_losing_a_record(kind, address, bus, connect):
    found = []

    class Committing(Instance):
        async def _read(self):
            while True:
                batch = await self.consumer.read(timeout=0.1)
                found.extend(batch)
                if batch:
                    await self.commit()
                self.assigned = self.consumer.assignment()

        async def commit(self):
            try:
                await self.consumer.commit()
            except RetriableError:
                return

    first = await Committing.join(bus)
    await eventually(lambda: shared(first))
    keys = [f"k{number}" for number in range(10)]

    async def publish(numbers):
        for start in numbers:
            await bus.publish(records(20, keys=keys, start=start))
            await asyncio.sleep(0.02)

    await publish(range(0, 200, 20))
    second = await Committing.join(await connect(kind, address))
    await publish(range(200, 400, 20))
    await eventually(lambda: each_reads(first, second))
    await publish(range(400, 500, 20))
    await second.leave()
    await publish(range(500, 600, 20))
    await eventually(lambda: len({int(d.value) for d in found}) == 600)
    await first.leave()
    ordered = {key: once(values) for key, values in by_key(found).items()}
    assert ordered == {f"k{number}": list(range(number, 600, 10)) for number in range(10)}


async def test_a_dead_instance_loses_its_partitions_and_its_uncommitted_records(kind, address, bus, connect):
    await bus.publish(records(100, keys=[f"k{number}" for number in range(25)]))
    if kind == "memory":
        doomed = await bus.subscribe(Subscription(topics=[ORDERS.name], group="g"))
        assert len(await drain(doomed, 100)) == 100
        survivor = await Instance.join(bus)
        del doomed
        gc.collect()
    else:
        process = await start_doomed_instance(kind, address, bus)
        survivor = await Instance.join(bus)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await eventually(lambda: shared(survivor) and len(survivor.found) >= 100)
    assert sorted(int(d.value) for d in survivor.found) == list(range(100))
    await survivor.leave()


DOOMED = textwrap.dedent(
    """
    import asyncio, sys
    from millstream.bus import Subscription, create_bus
    from millstream.ops.clock import WallClock

    async def main(kind, address, namespace, topic):
        async with create_bus(kind, address, clock=WallClock(), namespace=namespace) as bus:
            consumer = await bus.subscribe(Subscription(topics=[topic], group="g"))
            found = 0
            while found < 100:
                found += len(await consumer.read(timeout=1.0))
            print("read", flush=True)
            while True:
                await consumer.read(timeout=1.0)

    asyncio.run(main(*sys.argv[1:]))
    """
)


async def start_doomed_instance(kind, address, bus):
    """A process that has read everything and committed nothing."""
    namespace = bus._namespace if kind == "kafka" else bus._keys._namespace
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DOOMED, kind, address, namespace, ORDERS.name, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(40):
        assert await process.stdout.readline() == b"read\n"
    return process


# --- retention


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


# --- topics, names and mistakes


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


# --- a broker that is away


async def test_a_missing_broker_is_named_with_the_remedy(server_kind, unused_tcp_port, connect):
    address = f"127.0.0.1:{unused_tcp_port}"
    url = f"redis://user:pw4@{address}/0" if server_kind == "redis" else address
    start = time.perf_counter()
    with pytest.raises(RetriableError, match=address) as caught:
        await connect(server_kind, url, patience=0.5)
    assert time.perf_counter() - start < 5
    assert ("millstream up" if server_kind == "redis" else "make kafka") in caught.value.hint
    assert "pw4" not in str(caught.value)


async def test_a_killed_broker_comes_back_and_everybody_goes_on(server_kind, doomed_server, connect):
    bus = await connect(server_kind, doomed_server.address, patience=60.0)
    await bus.create_topics([ORDERS])
    consumer = await bus.subscribe(Subscription(topics=[ORDERS.name]))
    member = await bus.subscribe(Subscription(topics=[ORDERS.name], group="g"))
    found, grouped = [], []

    async def read(source, into):
        while len({d.value for d in into}) < 400:
            into.extend(await source.read(timeout=0.5))

    async def publish():
        for number in range(400):
            await bus.publish(records(1, start=number, keys=[f"k{number % 5}"]))
            await asyncio.sleep(0.002)

    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
        tasks.create_task(read(consumer, found))
        tasks.create_task(read(member, grouped))
        await eventually(lambda: len(found) > 50 and len(grouped) > 50)
        await doomed_server.kill()
        await asyncio.sleep(0.5)
        await doomed_server.restart()
    for deliveries in (grouped, found):
        ordered = {key: once(values) for key, values in by_key(deliveries).items()}
        assert ordered == {f"k{n}": list(range(n, 400, 5)) for n in range(5)}
    assert len(found) == len({(d.partition, d.offset) for d in found})
    await member.close()
    await consumer.close()


async def test_a_broker_that_stays_away_is_an_error_and_the_reader_goes_on_later(server_kind, doomed_server, connect):
    bus = await connect(server_kind, doomed_server.address, patience=2.0)
    await bus.create_topics([ORDERS])
    await bus.publish(records(5))
    consumer = await bus.subscribe(Subscription(topics=[ORDERS.name]))
    first = await drain(consumer, 5)
    await doomed_server.kill()
    with pytest.raises(RetriableError, match=doomed_server.shown):
        await bus.publish(records(1, start=100))
    with pytest.raises(RetriableError, match=doomed_server.shown):
        await consumer.read(timeout=60)
    await doomed_server.restart()
    async with asyncio.timeout(30):
        await retried(lambda: bus.publish(records(5, start=5)))
        rest = []
        while len(rest) < 5:
            rest += await retried(lambda: consumer.read(timeout=1))
    assert sorted(int(d.value) for d in first + rest) == list(range(10))
    await consumer.close()


async def retried(call):
    while True:
        try:
            return await call()
        except RetriableError:
            await asyncio.sleep(0.1)
