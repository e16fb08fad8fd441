"""Child processes of one command: started, logged, restarted when they die, and never left behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from ..contracts.clock import Clock
from ..contracts.errors import FatalError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Service:
    """What to run: arguments after the interpreter, and how long it may take to stop."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 10.0


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ProcessManager:
    """Keeps services alive until it is closed, then stops them in reverse order; what began together ends together.

    A service that ends by itself is started again, with a growing pause; one that fails ``patience`` times within its
    first seconds makes :meth:`watch` raise :class:`FatalError` with the end of its log.
    """

    patience = 5
    healthy_seconds = 5.0

    def __init__(self, log_directory: Path, clock: Clock) -> None:
        self._logs = log_directory
        self._clock = clock
        self._together: list[tuple[Service, ...]] = []
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._given_up: asyncio.Queue[BaseException] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self, *services: Service) -> None:
        """Start ``services`` and keep them running."""
        self._together.append(services)
        for service in services:
            await self._spawn(service)
            keeper = asyncio.create_task(self._keep(service), name=f"keep {service.name}")
            keeper.add_done_callback(self._note)
            self._keepers[service.name] = keeper

    def _note(self, keeper: "asyncio.Task[None]") -> None:
        error = None if keeper.cancelled() else keeper.exception()
        if error is not None:
            self._given_up.put_nowait(error)

    @property
    def names(self) -> tuple[str, ...]:
        """The services, in the order in which they were started."""
        return tuple(self._processes)

    def pid(self, name: str) -> int:
        """Process id of the running service ``name``."""
        return self._processes[name].pid

    def log_file(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    async def watch(self) -> None:
        """Return never, unless a service cannot be kept running: then raise its :class:`FatalError`."""
        raise await self._given_up.get()

    async def close(self) -> None:
        """Stop every service: SIGTERM, and SIGKILL when it does not end in its time."""
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for services in reversed(self._together):
            await asyncio.gather(*(self._stop(service) for service in services if service.name in self._processes))
        self._together.clear()
        self._keepers.clear()
        self._processes.clear()

    async def _spawn(self, service: Service) -> None:
        with self.log_file(service.name).open("ab") as log:
            self._processes[service.name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *service.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **service.environment},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    async def _keep(self, service: Service) -> None:
        failures = 0
        while True:
            started = self._clock.monotonic()
            code = await self._processes[service.name].wait()
            lived = (self._clock.monotonic() - started) / 1e9
            failures = 1 if lived > self.healthy_seconds else failures + 1
            _log.warning("service ended", name=service.name, code=code, lived=round(lived, 1))
            if failures >= self.patience:
                raise FatalError(
                    f"{service.name} ended {failures} times in a row, last with code {code}:\n"
                    + self._tail(service.name),
                    hint=f"The whole log: {self.log_file(service.name)}",
                )
            await self._clock.sleep(min(0.2 * 2**failures, 5.0) if failures > 1 else 0.05)
            await self._spawn(service)

    async def _stop(self, service: Service) -> None:
        process = self._processes[service.name]
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(service.stop_seconds):
                await process.wait()
        except TimeoutError:
            _log.warning("service does not stop, killing it", name=service.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _tail(self, name: str, lines: int = 12) -> str:
        text = self.log_file(name).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
