"""The trading service: reads intents, market and control, and runs turns.

Any failure of the database leads through recovery, the one way to start; a lost bus is waited for while the kill switch
keeps working.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import psycopg
import structlog

from ..bus.base import Consumer, Delivery, Subscription, TopicPartition
from ..contracts import topics
from ..contracts.errors import RetriableError
from ..contracts.topics import TOPICS
from ..store.database import connect
from .intake import Batch, take_in
from .publisher import Publisher
from .recovery import Connection, Recovered, Surroundings, recover
from .turn import Parts, Turn

READS = (
    topics.ORDERS_INTENTS.name,
    topics.MARKET_RAW_DATA.name,
    topics.CONTROL_COMMANDS.name,
    topics.INSTRUMENT_REGISTERED.name,
)
MAX_RECORDS = 500
TICK_SECONDS = 0.5
BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
log = structlog.get_logger(__name__)


class TradingService:
    """One instance, fenced. ``run`` returns after ``stop`` was set and the batch in hand is committed and published.

    ``ready`` is set while the service is recovered and reading.
    """

    def __init__(self, dsn: str, around: Surroundings, *, tick: float = TICK_SECONDS) -> None:
        self._dsn = dsn
        self._around = around
        self._tick = tick
        self._epoch: int | None = None
        self._failures = 0
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; a database that fails is waited for.

        Raises :class:`FencedError` when another instance took over, and other fatal errors.
        """
        await self._around.bus.create_topics(TOPICS.values())
        while not stop.is_set():
            try:
                await self._live(stop)
            except (psycopg.OperationalError, psycopg.InterfaceError, RetriableError) as error:
                self.ready.clear()
                delay = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
                self._failures += 1
                log.warning("trading.recovering", error=str(error), seconds=delay)
                await self._around.clock.sleep(delay)
        self.ready.clear()

    async def _live(self, stop: asyncio.Event) -> None:
        async with self._connection() as conn, self._publishing() as publisher:
            recovered = await recover(conn, self._around, publisher, epoch=self._epoch)
            self._around.tally.recoveries += 1
            self._epoch = recovered.epoch
            log.info("trading.ready", epoch=recovered.epoch, orders=len(recovered.parts.core.state.orders.working))
            async with await self._subscribe(recovered.offsets) as consumer:
                self._failures = 0
                self.ready.set()
                await self._serve(recovered, consumer, stop)
                await publisher.drain()
            if publisher.published:
                await recovered.parts.journal.clear_outbox(publisher.published)

    async def _serve(self, recovered: Recovered, consumer: Consumer, stop: asyncio.Event) -> None:
        parts = recovered.parts
        reader = _Reader(consumer, self._tick)
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                deliveries = await reader.next(stopping)
                await self._turn(parts, deliveries)
        finally:
            stopping.cancel()
            await reader.close()

    async def _turn(self, parts: Parts, deliveries: list[Delivery]) -> None:
        batch = take_in(deliveries, self._around.clock.now()) if deliveries else Batch()
        await Turn(parts).run(batch)
        now = self._around.clock.now()
        parts.tally.turned(deliveries, now=now, working=len(parts.core.state.orders.working))

    async def _subscribe(self, offsets: dict[TopicPartition, int]) -> Consumer:
        return await self._around.bus.subscribe(Subscription(topics=READS, after=offsets))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        conn = await connect(self._dsn, application_name="millstream-trading", autocommit=True, prepare_threshold=None)
        try:
            yield conn
        finally:
            await conn.close()

    @asynccontextmanager
    async def _publishing(self) -> AsyncIterator[Publisher]:
        publisher = Publisher(self._around.bus, self._around.clock, self._around.failpoints)
        task = asyncio.create_task(publisher.run(), name="publisher")
        try:
            yield publisher
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class _Reader:
    """Reads with a time limit of its own: a bus that hangs must not keep the service from its kill switch."""

    def __init__(self, consumer: Consumer, tick: float) -> None:
        self._consumer = consumer
        self._tick = tick
        self._task: asyncio.Task[list[Delivery]] | None = None

    async def next(self, stopping: "asyncio.Task[Literal[True]]") -> list[Delivery]:
        """What was read; nothing after a tick, when asked to stop, or while the bus cannot be reached."""
        if self._task is None:
            self._task = asyncio.create_task(self._consumer.read(max_records=MAX_RECORDS), name="read")
        waited: set[asyncio.Task[Any]] = {self._task, stopping}
        await asyncio.wait(waited, timeout=self._tick, return_when=asyncio.FIRST_COMPLETED)
        if not self._task.done():
            return []
        task, self._task = self._task, None
        try:
            return task.result()
        except RetriableError as error:
            log.warning("bus.unreachable", error=str(error))
            return []

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
