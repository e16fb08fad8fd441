import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from support.bus import KAFKA, ORDERS, QUOTES

from millstream.bus import create_bus
from millstream.ops.clock import WallClock

# A broker dies with the thread that started it; this one lives as long as the test run.
SERVERS = ThreadPoolExecutor(1)


async def in_background(call):
    await asyncio.get_running_loop().run_in_executor(SERVERS, call)


class DoomedRedis:
    """A Redis of its own that a test may kill."""

    def __init__(self, home):
        from millstream.store.embedded import EmbeddedRedis

        self._server = EmbeddedRedis(home)
        self.address = self._server.ensure()
        self.shown = "redis.sock"

    async def kill(self):
        os.kill(self._server.status().pid, signal.SIGKILL)
        while await asyncio.to_thread(self._server.alive):  # noqa: ASYNC110  # a killed process sends no event
            await asyncio.sleep(0.01)

    async def restart(self):
        await in_background(self._server.ensure)

    def stop(self):
        self._server.stop()


class DoomedKafka:
    """The Kafka broker of this test run; it is there again after the test."""

    def __init__(self, broker):
        self._broker = broker
        self._killed = False
        self.address = self.shown = broker.bootstrap

    async def kill(self):
        self._killed = True
        await in_background(self._broker.kill)

    async def restart(self):
        await in_background(self._broker.restart)
        self._killed = False

    def stop(self):
        if self._killed:
            SERVERS.submit(self._broker.restart).result()


@pytest.fixture
def kafka_bootstrap(kafka_broker):
    return kafka_broker.bootstrap


@pytest.fixture
def doomed_server(server_kind, request, tmp_path_factory):
    if server_kind == "redis":
        server = DoomedRedis(tmp_path_factory.mktemp("redis"))
    else:
        server = DoomedKafka(request.getfixturevalue("kafka_broker"))
    yield server
    server.stop()


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
