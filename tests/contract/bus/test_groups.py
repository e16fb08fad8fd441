"""Groups: commits, several instances, partitions that change hands, an instance that dies."""

import asyncio
import gc
import signal
import sys
import textwrap

import pytest
from support.bus import ORDERS, Instance, by_key, drain, each_reads, eventually, once, records, shared

from millstream.bus import Subscription, TopicPartition
from millstream.contracts.errors import RetriableError

pytestmark = pytest.mark.timeout(120)


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
