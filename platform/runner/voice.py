"""What a runner publishes: its intents, and what it says about itself."""

from collections.abc import Sequence
from typing import Any

from ..bus.base import EventBus, Record
from ..contracts import topics
from ..contracts.clock import Clock
from ..contracts.codec import encode
from ..contracts.enums import RunnerState
from ..contracts.events import (
    AnyIntent,
    IndicatorsComputed,
    RunnerEvent,
    RunnerHeartbeat,
    RunnerStateChanged,
    SliceFinished,
)
from ..contracts.ids import digest
from ..sdk.shown import Values


class RunnerVoice:
    """Publishes for one deployment and epoch."""

    def __init__(self, bus: EventBus, clock: Clock, deployment_id: str, epoch: int, session: str) -> None:
        self._bus = bus
        self._clock = clock
        self._identity: dict[str, Any] = {"deployment_id": deployment_id, "epoch": epoch, "session": session}
        self._key = deployment_id
        self._epoch = epoch

    async def intents(self, intents: Sequence[AnyIntent]) -> None:
        """Publish intents in their order; returns when they are stored."""
        if intents:
            topic = topics.ORDERS_INTENTS.name
            await self._bus.publish([Record(topic, intent.instrument, encode(intent)) for intent in intents])

    async def indicators(self, ts: int, timeframe: str, shown: Values) -> None:
        """Publish what the strategy showed at the close of slice ``ts``."""
        now = self._clock.now()
        events = [
            IndicatorsComputed(
                event_id=digest("indicators", self._key, instrument, ts),
                occurred_at=now,
                instrument=instrument,
                ts=ts,
                timeframe=timeframe,
                values=values,
                session=self._identity["session"],
                deployment_id=self._key,
            )
            for instrument, values in shown.items()
        ]
        if events:
            topic = topics.FEATURES_INDICATORS.name
            await self._bus.publish([Record(topic, event.instrument, encode(event)) for event in events])

    async def finished(self, ts: int, intents: Sequence[str]) -> None:
        await self._say(
            SliceFinished(
                event_id=digest("slice", self._key, self._epoch, ts),
                occurred_at=self._clock.now(),
                ts=ts,
                intents=tuple(intents),
                **self._identity,
            )
        )

    async def heartbeat(self, ts: int, lag_ns: int) -> None:
        now = self._clock.now()
        await self._say(
            RunnerHeartbeat(
                event_id=digest("heartbeat", self._key, self._epoch, now),
                occurred_at=now,
                ts=ts,
                lag_ns=lag_ns,
                **self._identity,
            )
        )

    async def state(self, state: RunnerState, message: str = "", notebook: str = "") -> None:
        await self._say(state_changed(self._clock, self._key, self._epoch, state, message, notebook))

    async def _say(self, event: RunnerEvent) -> None:
        await self._bus.publish([Record(topics.RUNNER_EVENTS.name, self._key, encode(event))])


def state_changed(
    clock: Clock, deployment_id: str, epoch: int, state: RunnerState, message: str, notebook: str
) -> RunnerStateChanged:
    """The event of a new state."""
    now = clock.now()
    return RunnerStateChanged(
        event_id=digest("runner", deployment_id, epoch, state, now),
        occurred_at=now,
        deployment_id=deployment_id,
        epoch=epoch,
        state=state,
        message=message,
        notebook=notebook,
    )
