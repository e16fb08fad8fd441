"""Feeds the hub: from the database once, then from the bus; and again from the database what no event surely tells."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

import psycopg
import structlog

from ...bus.base import Consumer, Delivery, EventBus, StartAt, Subscription
from ...contracts.clock import Clock
from ...contracts.codec import decode, encode
from ...contracts.enums import HaltState, ScopeKind
from ...contracts.errors import RetriableError, UndecodableMessageError
from ...contracts.events import AlertRaised, Event, HaltChanged, RunnerEvent
from ...contracts.ids import digest
from .directory import Place
from .hub import Hub
from .loading import Drift
from .topics import BUS_TOPICS, LiveTopic, tell

DRIFT_SECONDS = 2.0
RETRY_SECONDS = 0.5
READ_SECONDS = 5.0
_SENDS_AT_ONCE = 2_000
_SECOND = 1_000_000_000
_log = structlog.get_logger()


class Source(Protocol):
    """The state that the bus tells changes of. Its methods raise :class:`RetriableError` or psycopg's errors."""

    async def everything(self) -> tuple[dict[str, Place], list[Event]]:
        """Where deployments trade, and the whole state as events, the oldest first."""
        ...

    async def drift(self, known: Sequence[str]) -> Drift:
        """What may have changed without an event; of portfolios only those that are not ``known``."""
        ...

    async def places(self) -> dict[str, Place]:
        """Where deployments trade."""
        ...


class Feeder:
    """One per hub. Events are read by a consumer of its own, without a group: every gateway reads all."""

    def __init__(self, hub: Hub, bus: EventBus, source: Source, clock: Clock) -> None:
        self._hub = hub
        self._bus = bus
        self._source = source
        self._clock = clock
        self._sends = 0
        self._looked_at = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Feed for the time of the block. Raises :class:`RetriableError` when bus or database is away at the start."""
        consumer = await self._begin()
        task = asyncio.get_running_loop().create_task(self._keep_on(consumer))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def ingest(self, deliveries: Iterable[Delivery]) -> None:
        """Hand records of the bus to the hub, in order."""
        events = [(delivery, event) for delivery in deliveries if (event := _decoded(delivery)) is not None]
        await self._know([event for _, event in events])
        for delivery, event in events:
            told = tell(event, self._hub.directory)
            if told is not None:
                self._sends += self._hub.publish(told, delivery.value)
            if self._sends > _SENDS_AT_ONCE:
                # Others use this loop too: between two events of many receivers it is theirs.
                self._sends = 0
                await asyncio.sleep(0)

    async def look_again(self) -> None:
        """Tell what changed in the database without an event: a halt while the bus was away, a killed runner."""
        hub = self._hub
        before = hub.seq
        known = [str(told.key) for told in hub.things(LiveTopic.PORTFOLIOS)]
        found = await self._source.drift(known)
        hub.directory.replace(found.places)
        for event in [*found.runners, *found.portfolios, *_halts(hub, found, self._clock.now())]:
            told = tell(event, hub.directory)
            # What was told while the database answered is newer than its answer.
            if told is not None and hub.differs(told, before):
                hub.publish(told, encode(event), correction=True)

    async def _begin(self) -> Consumer:
        """Listen first, then read the state: an event that is in both is old news, and none falls in between."""
        consumer = await self._bus.subscribe(Subscription(topics=BUS_TOPICS, start_at=StartAt.LATEST))
        try:
            places, events = await self._source.everything()
        except BaseException:
            await consumer.close()
            raise
        hub = self._hub
        hub.clear()
        hub.directory.replace(places)
        for event in events:
            told = tell(event, hub.directory)
            if told is not None:
                hub.seed(told, encode(event))
        hub.open()
        return consumer

    async def _keep_on(self, consumer: Consumer) -> None:
        """Feed until cancelled; what fails starts again from the database, under a new epoch."""
        while True:
            try:
                async with consumer, asyncio.TaskGroup() as group:
                    group.create_task(self._read_on(consumer))
                    group.create_task(self._watch_drift())
            except* Exception as errors:  # noqa: BLE001 - recovery is the one way to start: any fault leads to it
                _log.error("live events start again from the database", exc_info=errors)
            consumer = await self._begin_again()

    async def _begin_again(self) -> Consumer:
        while True:
            await self._clock.sleep(RETRY_SECONDS)
            try:
                return await self._begin()
            except (RetriableError, psycopg.OperationalError) as error:
                _log.warning("live events wait for bus and database", error=str(error))

    async def _read_on(self, consumer: Consumer) -> None:
        while True:
            try:
                await self.ingest(await consumer.read(timeout=READ_SECONDS))
            except RetriableError as error:
                # The consumer goes on where it stopped, so nothing is lost.
                _log.warning("live events wait for the bus", error=str(error))
                await self._clock.sleep(RETRY_SECONDS)

    async def _watch_drift(self) -> None:
        while True:
            await self._clock.sleep(DRIFT_SECONDS)
            try:
                await self.look_again()
            except (RetriableError, psycopg.OperationalError) as error:
                _log.warning("live events wait for the database", error=str(error))

    async def _know(self, events: Sequence[Event]) -> None:
        """Read where deployments trade when an event names one that is new: its permissions hang on that."""
        named = [name for event in events if (name := _deployment(event))]
        now = self._clock.monotonic()
        if not self._hub.directory.missing(named) or now - self._looked_at < _SECOND:
            return
        self._looked_at = now
        try:
            self._hub.directory.replace(await self._source.places())
        except (RetriableError, psycopg.OperationalError) as error:
            _log.warning("live events cannot look up a deployment", error=str(error))


def _deployment(event: Event) -> str:
    """The deployment whose portfolio is needed and not in the event."""
    if isinstance(event, RunnerEvent):
        return event.deployment_id
    if isinstance(event, HaltChanged | AlertRaised) and event.scope is ScopeKind.DEPLOYMENT:
        return event.scope_id
    return ""


def _decoded(delivery: Delivery) -> Event | None:
    try:
        return decode(delivery.topic, delivery.value)
    except UndecodableMessageError as error:
        # The services that act on it put it among the dead letters.
        _log.warning("not an event", topic=delivery.topic, offset=delivery.offset, error=str(error))
        return None


def _halts(hub: Hub, found: Drift, now: int) -> list[HaltChanged]:
    """The halts in force, and the end of those that were told and are in force no more."""
    in_force = {(halt.scope, halt.scope_id) for halt in found.halts}
    told_of = [told.key for told in hub.things(LiveTopic.HALTS)]
    ended = [key for key in told_of if isinstance(key, tuple) and key not in in_force]
    return [*found.halts, *(_ended(ScopeKind(scope), scope_id, now) for scope, scope_id in ended)]


def _ended(scope: ScopeKind, scope_id: str, now: int) -> HaltChanged:
    return HaltChanged(
        event_id=digest("halt", scope, scope_id, now),
        occurred_at=now,
        scope=scope,
        scope_id=scope_id,
        state=HaltState.ACTIVE,
        actor="",
        reason="",
    )
