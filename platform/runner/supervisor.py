"""The supervisor: has the runners running that the database says should run."""

import asyncio
import socket
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from ..contracts.clock import Clock
from ..contracts.enums import DesiredState, RunnerState
from ..contracts.errors import RetriableError
from ..promotion.runs import run_folder
from .announcer import Announcer
from .desired import Claim, DesiredRow, Roster
from .launcher import Exit, Launcher
from .outcome import Outcome, mark_dead, read_outcome
from .policy import Failures, Policy
from .reasons import never_ready, of_exit
from .spec import RunnerSpec
from .tally import Tally

_log = structlog.get_logger()
_IDLE = frozenset({RunnerState.COMPLETED, RunnerState.HELD})


@dataclass(slots=True)
class Watched:
    """A deployment in the supervisor's memory. Moments are seconds of the monotonic timer; ``folder`` is the run's."""

    failures: Failures
    epoch: int = 0
    alive: bool = False
    folder: Path = field(default_factory=Path)
    started: float = 0.0
    next_start: float = 0.0
    kill_at: float | None = None
    kill_reason: str = ""
    heartbeat: float = 0.0
    heartbeat_seen: float = 0.0
    lease_acted: bool = False
    hold: bool = False


class Supervisor:
    """One loop over all deployments; woken by the clock, by hints and by the end of a runner.

    ``servers`` are the parts of a spec that say where database and bus are. PostgreSQL is the truth: everything else
    only decides how soon it is looked at.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        launcher: Launcher,
        announcer: Announcer,
        clock: Clock,
        policy: Policy,
        home: Path,
        servers: dict[str, Any],
    ) -> None:
        self._roster = roster
        self._launcher = launcher
        self._announcer = announcer
        self._clock = clock
        self._policy = policy
        self._home = home
        self._servers = servers
        self._watched: dict[str, Watched] = {}
        self._exits: deque[Exit] = deque()
        self.tally = Tally()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    async def run(self) -> None:
        """Supervise until cancelled."""
        await self._launcher.open()
        exits = asyncio.create_task(self._collect_exits())
        try:
            while True:
                self._wake.clear()
                await self.look()
                await self._pause()
                if exits.done():
                    exits.result()
        finally:
            exits.cancel()
            await asyncio.gather(exits, return_exceptions=True)

    async def look(self) -> None:
        """Compare what should be with what is, once. Nothing else changes what the supervisor remembers."""
        while self._exits:
            await self._take(self._exits.popleft())
        rows = await self._roster.rows()
        self.tally.looked(rows)
        for row in rows:
            try:
                await self._attend(row)
            except RetriableError as error:
                _log.warning("trying again", deployment=row.deployment_id, error=str(error), hint=error.hint)

    async def close(self) -> None:
        """Stop every runner, killing those that take longer than the grace; their deployments start again next time."""
        while self._exits:
            await self._take(self._exits.popleft(), closing=True)
        alive = {name: one for name, one in self._watched.items() if one.alive}
        for name, one in alive.items():
            await self._launcher.stop(name, one.epoch)
        try:
            async with asyncio.timeout(self._policy.grace):
                while any(one.alive for one in alive.values()):
                    await self._take(await self._launcher.exits.get(), closing=True)
        except TimeoutError:
            _log.warning("killing runners that do not stop", runners=[name for name, one in alive.items() if one.alive])
        await self._launcher.close()
        while not self._launcher.exits.empty():
            await self._take(self._launcher.exits.get_nowait(), closing=True)

    async def _pause(self) -> None:
        soonest = [one.next_start for one in self._watched.values() if not one.alive and one.next_start > self._now]
        wait = min([self._policy.tick, *(max(0.01, moment - self._now) for moment in soonest)])
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _collect_exits(self) -> None:
        while True:
            self._exits.append(await self._launcher.exits.get())
            self.wake()

    async def _attend(self, row: DesiredRow) -> None:
        one = self._watched.get(row.deployment_id)
        if one is None:
            one = self._watched[row.deployment_id] = Watched(Failures(self._policy))
            await self._bury(row)
        self._note_heartbeat(one, row)
        if row.state is RunnerState.PENDING and not one.alive and row.desired_state is DesiredState.RUNNING:
            # A person started it: what failed before is forgiven.
            one.failures.times.clear()
            one.next_start = 0.0
        if one.alive:
            await self._watch(one, row)
        elif row.desired_state is DesiredState.RUNNING and row.state not in _IDLE and one.next_start <= self._now:
            await self._start(one, row)
        elif row.desired_state is DesiredState.STOPPED:
            await self._roster.ended(row.deployment_id, row.runner_epoch, RunnerState.STOPPED, "")
        else:
            self._check_lease(one, row)

    async def _bury(self, row: DesiredRow) -> None:
        """A runner of an earlier supervisor died with it; its notebook does not know."""
        if row.state in {RunnerState.STARTING, RunnerState.RUNNING} and row.notebook:
            await asyncio.to_thread(mark_dead, Path(row.notebook), "the supervisor ended, and this runner with it")

    async def _start(self, one: Watched, row: DesiredRow) -> None:
        claim = await self._roster.claim(row.deployment_id)
        if claim is None:
            return
        spec = self._spec(claim)
        await self._roster.starting(
            claim, host=socket.gethostname(), notebook=str(spec.notebook), log=str(spec.log_file)
        )
        self._announcer.epoch(claim.deployment_id, claim.portfolio_id, claim.epoch)
        one.epoch, one.folder, one.started = claim.epoch, Path(spec.folder), self._now
        one.kill_at, one.kill_reason, one.lease_acted, one.hold = None, "", False, False
        one.heartbeat_seen = self._now
        # From here on the exit is expected, even if the start fails half-way.
        one.alive = True
        try:
            pid = await self._launcher.start(spec)
        except RetriableError as error:
            await self._failed(row.deployment_id, one, str(error))
            raise
        # The first start waits for the zygote's imports: they are not the notebook's time.
        one.started = self._now
        await self._roster.started(row.deployment_id, claim.epoch, pid)
        self._announcer.state(row.deployment_id, claim.epoch, RunnerState.STARTING, "", str(spec.notebook))
        _log.info("runner started", deployment=row.deployment_id, epoch=claim.epoch, pid=pid)

    def _spec(self, claim: Claim) -> RunnerSpec:
        folder = run_folder(self._home, claim.deployment_id, claim.epoch)
        return RunnerSpec(
            deployment_id=claim.deployment_id,
            epoch=claim.epoch,
            portfolio_id=claim.portfolio_id,
            session=claim.session,
            session_clock=claim.session_clock,
            session_speed=claim.session_speed,
            session_waits=claim.session_waits,
            instruments=claim.instruments,
            timeframe=claim.timeframe,
            parameters=claim.parameters,
            bundle=claim.bundle,
            folder=str(folder),
            **self._servers,
        )

    async def _watch(self, one: Watched, row: DesiredRow) -> None:
        if one.kill_at is not None:
            if self._now >= one.kill_at:
                one.kill_reason = one.kill_reason or f"did not stop within {self._policy.grace:g} s and was killed"
                await self._launcher.kill(row.deployment_id, one.epoch)
            return
        if row.desired_state is DesiredState.STOPPED:
            one.kill_at = self._now + self._policy.grace
            await self._launcher.stop(row.deployment_id, one.epoch)
        elif row.state is RunnerState.STARTING and self._now - one.started > self._policy.start_limit:
            await self._kill(one, row, never_ready(one.folder, self._policy.start_limit))
        elif row.state is RunnerState.RUNNING:
            self._check_lease(one, row)
            if one.lease_acted:
                one.hold = row.on_lease_lost == "hold"
                await self._kill(one, row, f"no heartbeat for {self._policy.lease:g} s")

    async def _kill(self, one: Watched, row: DesiredRow, reason: str) -> None:
        one.kill_reason, one.kill_at = reason, self._now
        await self._launcher.kill(row.deployment_id, one.epoch)

    def _note_heartbeat(self, one: Watched, row: DesiredRow) -> None:
        """See whether the runner was heard.

        A lease is missed by the supervisor's own timer: neither a wrong clock nor a database that was away counts.
        """
        if row.heartbeat != one.heartbeat or not one.heartbeat_seen:
            one.heartbeat, one.heartbeat_seen = row.heartbeat, self._now

    def _check_lease(self, one: Watched, row: DesiredRow) -> None:
        """Act once an epoch when a runner has been silent for as long as its lease, whatever became of it."""
        silent = self._now - one.heartbeat_seen
        if one.lease_acted or silent <= self._policy.lease or row.state is RunnerState.COMPLETED:
            return
        one.lease_acted = True
        _log.warning("lease lost", deployment=row.deployment_id, epoch=row.epoch, action=row.on_lease_lost)
        if row.on_lease_lost == "cancel":
            reason = f"no heartbeat of its runner for {self._policy.lease:g} s"
            self._announcer.cancel_orders(row.deployment_id, row.epoch, reason)

    async def _take(self, ended: Exit, *, closing: bool = False) -> None:
        one = self._watched.get(ended.deployment_id)
        if one is None or one.epoch != ended.epoch or not one.alive:
            return
        one.alive = False
        outcome = await asyncio.to_thread(self._outcome, one, ended)
        if one.kill_at is not None and not one.kill_reason:
            outcome = Outcome(state=RunnerState.STOPPED)
        elif one.kill_reason and one.kill_reason.startswith("did not stop"):
            outcome = Outcome(state=RunnerState.STOPPED, message=one.kill_reason)
        elif closing and outcome.state is RunnerState.FAILED and outcome.message.startswith("killed"):
            outcome = Outcome(state=RunnerState.STOPPED, message="killed: the supervisor ended")
        if outcome.state is RunnerState.FAILED:
            await self._failed(ended.deployment_id, one, outcome.message)
        else:
            await self._ended(ended.deployment_id, one, outcome)

    def _outcome(self, one: Watched, ended: Exit) -> Outcome:
        said = read_outcome(one.folder / "outcome.json")
        if said is not None:
            return said
        message = one.kill_reason or of_exit(ended.code)
        where = mark_dead(one.folder / "notebook.ipynb", message)
        return Outcome(state=RunnerState.FAILED, message=f"{message} ({where})" if where else message)

    async def _failed(self, deployment_id: str, one: Watched, message: str) -> None:
        one.alive = False
        one.failures.add(self._now)
        if one.failures.too_many or one.hold:
            times = len(one.failures.times)
            why = "held because its lease was lost" if one.hold else f"held after {times} failures"
            text = f"{why}: {message} (`millstream start {deployment_id}` tries again)"
            await self._ended(deployment_id, one, Outcome(state=RunnerState.HELD, message=text))
            return
        pause = one.failures.pause
        one.next_start = self._now + pause
        await self._ended(deployment_id, one, Outcome(state=RunnerState.FAILED, message=message))

    async def _ended(self, deployment_id: str, one: Watched, outcome: Outcome) -> None:
        await self._roster.ended(deployment_id, one.epoch, outcome.state, outcome.message)
        notebook = str(one.folder / "notebook.ipynb")
        self._announcer.state(deployment_id, one.epoch, outcome.state, outcome.message, notebook)
        _log.info(
            "runner ended", deployment=deployment_id, epoch=one.epoch, state=outcome.state, message=outcome.message
        )

    @property
    def _now(self) -> float:
        return self._clock.monotonic() / 1e9
