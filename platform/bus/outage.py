"""Patience with a broker that does not answer."""

from ..contracts.clock import Clock
from ..contracts.errors import RetriableError

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0
_SECOND = 1_000_000_000


class Outage:
    """Counts how long a broker has been away, paces the attempts to reach it, and gives up after ``patience`` seconds.

    ``address`` is shown in the error and must hold no password; ``remedy`` is what the reader can do.
    """

    def __init__(self, clock: Clock, patience: float, address: str, remedy: str) -> None:
        self._clock = clock
        self._patience = patience
        self._address = address
        self._remedy = remedy
        self._since: int | None = None
        self._pause = _FIRST_PAUSE

    @property
    def patience(self) -> float:
        return self._patience

    def over(self) -> None:
        """The broker answered."""
        self._since = None

    async def wait(self, error: BaseException, *, at_most: float | None = None) -> None:
        """Wait before the next attempt, at most ``at_most`` seconds.

        Raises :class:`RetriableError` when the broker has been away for the whole patience; the count starts anew then.
        """
        now = self._clock.monotonic()
        if self._since is None:
            self._since = now
            self._pause = _FIRST_PAUSE
        left = self._patience - (now - self._since) / _SECOND
        if left <= 0:
            self._since = None
            raise self.error(error) from error
        pause = min(self._pause, left) if at_most is None else max(0.0, min(self._pause, left, at_most))
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        await self._clock.sleep(pause)

    def error(self, cause: BaseException) -> RetriableError:
        """The error to raise once the patience is over."""
        reason = str(cause) or type(cause).__name__
        return RetriableError(
            f"The bus at {self._address} did not answer for {self._patience:g} s: {reason}", hint=self._remedy
        )


class Deadline:
    """How much of a caller's time limit is left; ``None`` waits for ever."""

    def __init__(self, clock: Clock, timeout: float | None) -> None:
        self._clock = clock
        self._end = None if timeout is None else clock.monotonic() + round(timeout * _SECOND)

    def left(self) -> float | None:
        """Seconds left, never negative."""
        return None if self._end is None else max(0.0, (self._end - self._clock.monotonic()) / _SECOND)

    def left_of(self, slice_: float) -> float:
        """Seconds left, at most ``slice_``."""
        left = self.left()
        return slice_ if left is None else min(left, slice_)

    @property
    def passed(self) -> bool:
        return self._end is not None and self._clock.monotonic() >= self._end
