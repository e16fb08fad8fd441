"""The clock, injected everywhere: wall-clock time lives in ``ops.clock`` only."""

from typing import Protocol


class Clock(Protocol):
    """Source of time. Wall times are UTC nanoseconds since the epoch; ``monotonic`` is for durations only."""

    def now(self) -> int:
        """UTC wall time in nanoseconds since the epoch."""
        ...

    def monotonic(self) -> int:
        """Nanoseconds of a timer that never goes backwards; its zero is arbitrary."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the calling task for ``seconds``."""
        ...


class ManualClock:
    """A clock that moves only when told: for replay and tests. ``sleep`` moves it and returns at once."""

    def __init__(self, now: int = 0) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def monotonic(self) -> int:
        return self._now

    def set(self, now: int) -> None:
        """Move to ``now`` (UTC ns); moving backwards is an error because durations would turn negative."""
        if now < self._now:
            msg = f"clock cannot go back from {self._now} to {now}"
            raise ValueError(msg)
        self._now = now

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * 1_000_000_000)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
