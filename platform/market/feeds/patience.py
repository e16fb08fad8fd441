"""Waiting with an end: who is waited for, and for how long nothing has moved."""

from ...contracts.clock import Clock
from ...contracts.errors import RetriableError
from ...contracts.time import SECOND


class Patience:
    """Raises when there was no progress for ``seconds``."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since = clock.monotonic()

    def progress(self) -> None:
        """Something moved."""
        self._since = self._clock.monotonic()

    def check(self, waiting_for: str) -> None:
        """Raise :class:`RetriableError` that names ``waiting_for`` when the time is over."""
        if self._clock.monotonic() - self._since > self._seconds * SECOND:
            raise RetriableError(
                f"the replay made no progress for {self._seconds:g} s; it waits for {waiting_for}",
                hint="See the logs of what it waits for (`millstream logs`); the replay can be resumed.",
            )

    async def pause(self, waiting_for: str, seconds: float) -> None:
        """Sleep for ``seconds`` before asking again."""
        self.check(waiting_for)
        await self._clock.sleep(seconds)
