"""Publishing the outbox behind the commits, in order, without holding the trading loop up."""

import asyncio
from collections.abc import Sequence

import structlog

from ..bus.base import EventBus, Record
from ..contracts.clock import Clock
from ..contracts.errors import RetriableError
from .failpoints import Failpoints

MAX_WAITING = 64
RETRY_SECONDS = 0.5
log = structlog.get_logger(__name__)


class Publisher:
    """One task that publishes what was committed; while the bus is down it waits, and the outbox keeps it.

    ``published`` is the newest outbox sequence whose record (and all before it) is stored on the bus.
    """

    def __init__(self, bus: EventBus, clock: Clock, failpoints: Failpoints) -> None:
        self._bus = bus
        self._clock = clock
        self._failpoints = failpoints
        self._queue: asyncio.Queue[tuple[Sequence[Record], int]] = asyncio.Queue(MAX_WAITING)
        self.published = 0

    async def put(self, records: Sequence[Record], newest: int) -> None:
        """Hand over the outbox up to the sequence ``newest``. Waits while ``MAX_WAITING`` batches are queued."""
        await self._queue.put((records, newest))

    async def drain(self) -> None:
        """Wait until everything handed over is published."""
        await self._queue.join()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            records, newest = await self._queue.get()
            while not self._queue.empty():
                more, newest = self._queue.get_nowait()
                records = [*records, *more]
                self._queue.task_done()
            self._failpoints.hit("before_publish")
            await self._publish(records)
            self._failpoints.hit("after_publish")
            self.published = newest
            self._queue.task_done()

    async def _publish(self, records: Sequence[Record]) -> None:
        while True:
            try:
                await self._bus.publish(records)
                return
            except RetriableError as error:
                log.warning("bus.unreachable", error=str(error), waiting=self._queue.qsize())
                await self._clock.sleep(RETRY_SECONDS)
