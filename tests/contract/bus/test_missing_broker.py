"""A broker that is away, and one that comes back."""

import asyncio
import time

import pytest
from support.bus import ORDERS, by_key, drain, eventually, once, records

from millstream.bus import Subscription
from millstream.contracts.errors import RetriableError

pytestmark = pytest.mark.timeout(120)


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
