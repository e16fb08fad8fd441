"""The gateway's commands in this process: an operator of the machine can stop trading when the gateway is down."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import redis.asyncio
import structlog

from ..bootstrap import Endpoints, ensure_servers, open_bus
from ..bus.base import Consumer, EventBus, Record, Subscription, TopicPartitionOffset
from ..contracts.errors import RetriableError
from ..contracts.topics import Topic
from ..gateway.context import Gateway
from ..ops.clock import WallClock
from ..ops.settings import Settings
from ..store.database import pool

BUS_SECONDS = 3.0


class LateBus(EventBus):
    """The configured bus, opened (and its server started) with the first call: halting must not wait for it.

    ``silent`` says that it did not take what was to be published.
    """

    def __init__(self, settings: Settings) -> None:
        self.silent = False
        self._settings = settings.model_copy(update={"bus_patience": BUS_SECONDS})
        self._opened: EventBus | None = None
        self._open = contextlib.AsyncExitStack()

    async def open(self) -> None:
        """Nothing yet: the first call opens it."""

    async def close(self) -> None:
        self._opened = None
        await self._open.aclose()

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        await (await self._bus()).create_topics(topics)

    async def publish(self, records: Sequence[Record]) -> list[TopicPartitionOffset]:
        try:
            return await (await self._bus()).publish(records)
        except (RetriableError, asyncio.CancelledError):
            self.silent = True
            raise

    async def subscribe(self, subscription: Subscription) -> Consumer:
        return await (await self._bus()).subscribe(subscription)

    async def trim(self, topics: Iterable[Topic]) -> None:
        await (await self._bus()).trim(topics)

    async def _bus(self) -> EventBus:
        if self._opened is None:
            endpoints = await asyncio.to_thread(ensure_servers, self._settings)
            self._opened = await self._open.enter_async_context(open_bus(self._settings, endpoints))
        return self._opened


@contextlib.asynccontextmanager
async def gateway_in_process(settings: Settings, endpoints: Endpoints) -> AsyncIterator[Gateway]:
    """What the gateway's commands work with, for the time of the block; what they log goes to standard error."""
    connections = pool(endpoints.database_url, application_name="millstream-cli", size=2)
    # Commands do not use Redis, and a client that is not used opens no connection.
    client = redis.asyncio.Redis()
    try:
        await asyncio.to_thread(connections.open)
        async with LateBus(settings) as bus:
            with _logging_to_stderr():
                yield Gateway(
                    settings=settings,
                    endpoints=endpoints,
                    clock=WallClock(),
                    pool=connections,
                    bus=bus,
                    redis=client,
                )
    finally:
        await asyncio.to_thread(connections.close)
        await client.aclose()


@contextlib.contextmanager
def _logging_to_stderr() -> Iterator[None]:
    """Standard output is for the answer."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        yield
    finally:
        structlog.configure(**before)
