"""Lock-step replay: the market waits for everyone who trades on it (docs/decisions/0004-lock-step.md)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ...bus.base import EventBus, TopicPartitionOffset
from ...contracts.clock import Clock
from ...contracts.enums import RunnerState
from ...contracts.errors import ConflictError
from ...contracts.time import iso
from ..sessions import MarketSession
from .base import Feed, Publish, persistent
from .finished import FinishedSlices
from .gate import Gate, Member
from .patience import Patience
from .replay import Progress, prepare, recorded
from .slices import Stamp, Tape

_LOOK_AROUND = 0.05


class Stage(StrEnum):
    """Moments of a slice at which ``on_slice`` is called."""

    BARS_PUBLISHED = "bars_published"
    BARS_CONSUMED = "bars_consumed"
    WATERMARK_PUBLISHED = "watermark_published"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockStepOptions:
    """``timeout``: seconds without any progress before the replay gives up.

    ``on_ended``: what a deployment does to the replay whose runner ends before the market does: ``abort`` it with an
    error, or be dropped. ``on_slice(stage, slice index, ts)`` is awaited at each stage, for tests that break things.
    """

    start: datetime | None = None
    end: datetime | None = None
    timeout: float = 60.0
    on_ended: Literal["abort", "drop"] = "abort"
    progress: Progress | None = None
    on_slice: Callable[[Stage, int, int], Awaitable[None]] | None = None


class LockStepReplay(Feed):
    """Plays stored candles; bar t+1 follows when every runner has finished bar t and its intents are settled.

    Deployments take part from the moment their runner is ``running``; the first slice waits for all that are meant to
    run. Survives the death of runners, of the trading service, of Redis and of PostgreSQL for ``timeout`` seconds each.
    """

    def __init__(
        self, dsn: str, bus: EventBus, session: MarketSession, clock: Clock, options: LockStepOptions | None = None
    ) -> None:
        self.session = session.session_id
        self.instruments = tuple(session.instruments)
        self.timeframe = session.timeframe
        self._dsn = dsn
        self._bus = bus
        self._clock = clock
        self._options = options or LockStepOptions()

    async def run(self, publish: Publish) -> None:
        """Play to the end. Raises :class:`ConflictError` when a runner ended, :class:`RetriableError` on a timeout."""
        options = self._options
        tape, position = await asyncio.to_thread(prepare, self._dsn, self.session, (options.start, options.end))
        patience = Patience(self._clock, options.timeout)
        async with (
            recorded(self._dsn, self.session) as conn,
            FinishedSlices(self._bus, self.session, self._clock) as finished,
        ):
            gate = Gate(self._dsn, self.session, self._clock, conn, patience)
            try:
                keep_trying = persistent(publish, self._clock, options.timeout)
                await _Run(tape, gate, finished, patience, keep_trying, self._stamp(), options).play(position)
            finally:
                await gate.close()

    def _stamp(self) -> Stamp:
        return Stamp(self.session, self.timeframe, self._clock)


@dataclass(frozen=True, slots=True)
class _Run:
    """One play of the tape. ``joined``: deployments that take part, ``dropped``: those that ended before the market."""

    tape: Tape
    gate: Gate
    finished: FinishedSlices
    patience: Patience
    publish: Publish
    stamp: Stamp
    options: LockStepOptions
    joined: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)

    async def play(self, position: int) -> None:
        """All slices from ``position`` (UTC ns) on, then the end of the session."""
        await self._members_ready()
        for index in self.tape.indexes(position):
            await self._slice(index, int(self.tape.closes[index]))
        await self._consumed(await self.publish(self.tape.end(self.stamp)))

    async def _slice(self, index: int, ts: int) -> None:
        offsets = await self.publish(self.tape.bars(index, self.stamp))
        await self._tell(Stage.BARS_PUBLISHED, index, ts)
        await self._consumed(offsets)
        await self._tell(Stage.BARS_CONSUMED, index, ts)
        present = await self.gate.members()
        members = self._taking_part(present)
        after = {member.portfolio_id: member.version for member in members}
        marks = await self.publish(self.tape.watermarks(index, self.stamp, after))
        await self.gate.record_position(ts)
        await self._tell(Stage.WATERMARK_PUBLISHED, index, ts)
        await self._settled(await self._slices_finished(members, ts), ts)
        # Partitions are read side by side: a late watermark would value its slice at prices of the next one.
        await self._consumed(marks)
        await self._tell(Stage.FINISHED, index, ts)
        self.finished.forget_before(ts)
        if any(member.deployment_id not in self.joined | self.dropped for member in present):
            await self._members_ready()
        if self.options.progress is not None:
            self.options.progress(index + 1, len(self.tape), ts)

    async def _tell(self, stage: Stage, index: int, ts: int) -> None:
        self.patience.progress()
        if self.options.on_slice is not None:
            await self.options.on_slice(stage, index, ts)
            self.patience.progress()

    async def _members_ready(self) -> None:
        """Wait until the runner of every deployment that is new to the replay stands ready."""
        while True:
            members = await self.gate.members()
            self.joined.update({member.deployment_id for member in members if member.state is RunnerState.RUNNING})
            missing = [member for member in members if member.deployment_id not in self.joined | self.dropped]
            if not missing:
                return
            for member in missing:
                if member.state is RunnerState.HELD:
                    self._ended(member)
            await self.patience.pause(f"the runners of {_names(missing)} to start", _LOOK_AROUND)

    async def _consumed(self, offsets: Sequence[TopicPartitionOffset]) -> None:
        while lagging := await self.gate.lagging(offsets):
            await self.gate.moved(f"the trading service to consume {', '.join(lagging)}")

    async def _slices_finished(self, members: list[Member], ts: int) -> list[str]:
        """Wait until every member has finished the slice; the intents they made of it."""
        while True:
            waiting = [one for one in members if self.finished.intents(one.deployment_id, ts) is None]
            if not waiting:
                return [intent for one in members for intent in self.finished.intents(one.deployment_id, ts) or ()]
            self.patience.check(f"{_names(waiting)} to finish the slice of {iso(ts)}")
            if not await self.finished.wait(_LOOK_AROUND):
                members = await self._look_around(members, ts)

    async def _look_around(self, members: list[Member], ts: int) -> list[Member]:
        """Who still takes part; a checkpoint at ``ts`` or later counts as finished, whatever became of the message."""
        present = {member.deployment_id: member for member in await self.gate.members()}
        for member in present.values():
            if member.checkpoint_ts >= ts:
                intents = member.checkpoint_intents if member.checkpoint_ts == ts else ()
                self.finished.note(member.deployment_id, ts, intents)
        for member in members:
            if self.finished.intents(member.deployment_id, ts) is None:
                now = present.get(member.deployment_id)
                if now is None or now.state.ended:
                    self._ended(now or member)
        return [present.get(one.deployment_id, one) for one in members if one.deployment_id not in self.dropped]

    async def _settled(self, intents: list[str], ts: int) -> None:
        while unsettled := await self.gate.unsettled(intents):
            shown = ", ".join(unsettled[:3]) + (" …" if len(unsettled) > 3 else "")
            await self.gate.moved(f"the trading service to settle {len(unsettled)} intents of {iso(ts)}: {shown}")

    def _taking_part(self, members: list[Member]) -> list[Member]:
        """The joined members that have not ended; a joined deployment that is gone or ended is dropped or an error."""
        present = {member.deployment_id: member for member in members}
        for name in sorted(self.joined - self.dropped):
            member = present.get(name)
            if member is None:
                self._ended(Member(name, "", 0, RunnerState.STOPPED, "", 0, ()))
            elif member.state.ended:
                self._ended(member)
        return [member for name, member in present.items() if name in self.joined - self.dropped]

    def _ended(self, member: Member) -> None:
        if self.options.on_ended == "abort":
            raise ConflictError(
                f"the runner of {member} ended before the replay did",
                hint="See `millstream logs`; start it again and resume the replay, or replay with on_ended='drop'.",
            )
        self.dropped.add(member.deployment_id)


def _names(members: Sequence[Member]) -> str:
    return ", ".join(str(member) for member in members)
