"""Collects ``SliceFinished`` of one session from ``runner.events``."""

import asyncio
from types import TracebackType
from typing import Self

from ...bus.base import Consumer, Delivery, EventBus, StartAt, Subscription
from ...contracts.clock import Clock
from ...contracts.codec import decode
from ...contracts.errors import RetriableError, UndecodableMessageError
from ...contracts.events import SliceFinished
from ...contracts.topics import RUNNER_EVENTS


class FinishedSlices:
    """Reads from now on, in the background, through outages of the bus. Use as ``async with``."""

    def __init__(self, bus: EventBus, session: str, clock: Clock) -> None:
        self._bus = bus
        self._session = session
        self._mark = f'"session":"{session}"'.encode()
        self._clock = clock
        self._found: dict[tuple[str, int], tuple[str, ...]] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        consumer = await self._bus.subscribe(Subscription(topics=[RUNNER_EVENTS.name], start_at=StartAt.LATEST))
        self._task = asyncio.create_task(self._collect(consumer))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def intents(self, deployment_id: str, ts: int) -> tuple[str, ...] | None:
        """Intents of the deployment's slice that closed at ``ts``; None while it has not finished it."""
        return self._found.get((deployment_id, ts))

    def note(self, deployment_id: str, ts: int, intents: tuple[str, ...]) -> None:
        """The deployment has finished the slice that closed at ``ts`` with these intents."""
        self._found[deployment_id, ts] = intents
        self._news.set()

    def forget_before(self, ts: int) -> None:
        """Drop what earlier slices left."""
        for key in [key for key in self._found if key[1] < ts]:
            del self._found[key]

    async def wait(self, seconds: float) -> bool:
        """Wait for the next ``SliceFinished``; False after ``seconds`` without one.

        Raises what ended the background reading.
        """
        if self._task is not None and self._task.done():
            self._task.result()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    async def _collect(self, consumer: Consumer) -> None:
        async with consumer:
            while True:
                try:
                    deliveries = await consumer.read(timeout=1.0)
                except RetriableError:
                    await self._clock.sleep(0.2)
                    continue
                for delivery in deliveries:
                    self._take(delivery)

    def _take(self, delivery: Delivery) -> None:
        if self._mark not in delivery.value:
            return
        try:
            event = decode(delivery.topic, delivery.value)
        except UndecodableMessageError:
            return  # a newer producer's message is not of this replay
        if isinstance(event, SliceFinished) and event.session == self._session:
            self.note(event.deployment_id, event.ts, event.intents)
