"""What the supervisor publishes, in order and through outages of the bus."""

import asyncio

import structlog

from ..bus.base import EventBus, Record
from ..contracts import topics
from ..contracts.clock import Clock
from ..contracts.codec import encode
from ..contracts.enums import RunnerState, ScopeKind
from ..contracts.errors import RetriableError
from ..contracts.events import CancelOrders
from ..contracts.ids import digest
from ..promotion.hints import changed_event
from .voice import state_changed

RETRY_SECONDS = 0.5
LIMIT = 10_000
_log = structlog.get_logger()


class Announcer:
    """Queues records and publishes them as soon as the bus takes them, so that nobody waits for a lost bus."""

    def __init__(self, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._queue: asyncio.Queue[Record] = asyncio.Queue(maxsize=LIMIT)

    def state(self, deployment_id: str, epoch: int, state: RunnerState, message: str, notebook: str) -> None:
        event = state_changed(self._clock, deployment_id, epoch, state, message, notebook)
        self._put(Record(topics.RUNNER_EVENTS.name, deployment_id, encode(event)))

    def epoch(self, deployment_id: str, portfolio_id: str, epoch: int) -> None:
        self._put(changed_event(self._clock, deployment_id, portfolio_id, epoch))

    def cancel_orders(self, deployment_id: str, epoch: int, reason: str) -> None:
        event = CancelOrders(
            event_id=digest("lease", deployment_id, epoch),
            occurred_at=self._clock.now(),
            scope=ScopeKind.DEPLOYMENT,
            scope_id=deployment_id,
            actor="supervisor",
            reason=reason,
        )
        self._put(Record(topics.CONTROL_COMMANDS.name, f"deployment:{deployment_id}", encode(event)))

    async def publish_on(self) -> None:
        """Publish what is queued, until cancelled."""
        while True:
            await self._publish(await self._queue.get())
            self._queue.task_done()

    async def drained(self) -> None:
        """Wait until everything queued is published."""
        await self._queue.join()

    async def _publish(self, record: Record) -> None:
        while True:
            try:
                await self._bus.publish([record])
            except RetriableError as error:
                _log.warning("bus lost, publishing again", topic=record.topic, error=str(error))
                await self._clock.sleep(RETRY_SECONDS)
            else:
                return

    def _put(self, record: Record) -> None:
        try:
            self._queue.put_nowait(record)
        except asyncio.QueueFull:
            _log.error("the bus has been away for so long that an event is dropped", topic=record.topic)
