"""When a supervisor waits, restarts, gives up and kills. Seconds, on a monotonic timer."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """``max_failures`` within ``window`` hold a runner.

    Before that it is restarted after ``backoff`` · 2ⁿ, at most ``longest_backoff``. ``start_limit`` is
    the time from the start to the live loop, ``grace`` that from SIGTERM to SIGKILL.
    """

    tick: float = 0.5
    lease: float = 10.0
    start_limit: float = 60.0
    grace: float = 6.0
    backoff: float = 0.25
    longest_backoff: float = 30.0
    max_failures: int = 5
    window: float = 300.0


@dataclass(slots=True)
class Failures:
    """The recent failures of one deployment."""

    policy: Policy
    times: deque[float] = field(default_factory=deque)

    def add(self, now: float) -> None:
        self.times.append(now)
        while self.times and now - self.times[0] > self.policy.window:
            self.times.popleft()

    @property
    def too_many(self) -> bool:
        return len(self.times) >= self.policy.max_failures

    @property
    def pause(self) -> float:
        """How long to wait before the next start."""
        if not self.times:
            return 0.0
        return min(self.policy.backoff * 2.0 ** (len(self.times) - 1), self.policy.longest_backoff)
