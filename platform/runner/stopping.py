"""SIGTERM and SIGINT as a request: cancel what the loop awaits, and interrupt code that never comes back to it."""

import asyncio
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PATIENCE = 1.0


class StopRequested(BaseException):
    """Raised inside blocking code after a stop was asked for. Not an ``Exception``: strategies must not swallow it."""


class StopSignals:
    """Between ``with`` and its end, a stop signal cancels the watched task.

    A task that is busy computing does not see a cancellation: after ``PATIENCE`` seconds :class:`StopRequested` is
    raised where it stands, and again until it ends. Outside the main thread no signals arrive, and none are handled.
    """

    def __init__(self) -> None:
        self.requested: str = ""
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, Any] = {}

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Make ``task`` the one to cancel; at once when the request is already there."""
        self._task = task
        if self.requested:
            task.cancel()

    def unwatch(self) -> None:
        self._task = None
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._on_alarm)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unwatch()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.requested = signal.Signals(number).name
        task = self._task
        if task is not None:
            # The loop may be asleep in select: only the thread-safe call wakes it.
            task.get_loop().call_soon_threadsafe(task.cancel)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE, PATIENCE)

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        task = self._task
        if task is not None and not task.done() and asyncio.current_task(task.get_loop()) is not None:
            # Not necessarily this task: the strategy computes in a task of the live loop.
            raise StopRequested(self.requested)
