"""Rate limits, counted in Redis for all gateways together.

While Redis is away nothing is counted, so nothing that has a limit passes: 503. What has none goes on, which is how a
person halts trading when Redis is down; wrong tokens shown there are counted in this process, because guessing must
stay slow.
"""

import asyncio
import math
from collections.abc import Coroutine
from enum import StrEnum
from functools import cached_property
from typing import Any

import limits
import redis.asyncio
import redis.exceptions
import structlog
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from ...contracts.clock import Clock
from ...contracts.errors import ConfigurationError
from ...contracts.time import SECOND
from ...ops.settings import Settings
from ..problems import ProblemError, unavailable

# While Redis does not answer, ask again only this often: each request would wait for it.
RETRY_SECONDS = 2
PATIENCE_SECONDS = 1.0
# What arrived while this process itself was busy is read in this time: its own pause is not one of Redis.
READING_SECONDS = 0.2

_log = structlog.get_logger(__name__)


class Bucket(StrEnum):
    """What is counted; the settings ``rate_…`` hold their limits."""

    USER = "user"
    ADDRESS = "address"
    GLOBAL = "global"
    LOGIN = "login"


class Limiter:
    """Counts requests by bucket and name."""

    def __init__(self, settings: Settings, server: "redis.asyncio.Redis", clock: Clock) -> None:
        self._limits = limits_of(settings)
        self._clock = clock
        storage = RedisStorage(
            "async+redis://",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix=f"{settings.namespace}millstream:limits",
            connection_pool=server.connection_pool,  # type: ignore[arg-type]
        )
        self._shared = SlidingWindowCounterRateLimiter(storage)
        self._away_until = 0

    @cached_property
    def _own(self) -> SlidingWindowCounterRateLimiter:
        return SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, bucket: Bucket, name: str = "") -> None:
        """Count one request. Raises a 429 when the limit is used up, a 503 when nothing can be counted.

        Both have ``Retry-After``. A failed login or token is always counted.
        """
        limit = self._limits[bucket]
        if self._clock.monotonic() >= self._away_until:
            try:
                return await _in_time(self._hit(self._shared, limit, bucket, name))
            except (StorageError, redis.exceptions.RedisError, OSError, TimeoutError) as error:
                self._away_until = self._clock.monotonic() + RETRY_SECONDS * SECOND
                _log.warning("limits.redis_unreachable", error=str(error), retry_seconds=RETRY_SECONDS)
        if bucket is not Bucket.LOGIN:
            raise self._uncounted()
        return await self._hit(self._own, limit, bucket, name)

    def _uncounted(self) -> ProblemError:
        left = self._away_until - self._clock.monotonic()
        return unavailable(
            "Redis does not answer, so requests cannot be counted.",
            "Try again in a moment. Halting works without it: POST /api/v1/halts, or `millstream halt`.",
            seconds=max(1, math.ceil(left / SECOND)),
        )

    async def _hit(
        self, limiter: SlidingWindowCounterRateLimiter, limit: limits.RateLimitItem, bucket: Bucket, name: str
    ) -> None:
        if await limiter.hit(limit, bucket.value, name):
            return
        stats = await limiter.get_window_stats(limit, bucket.value, name)
        seconds = max(1, round(stats.reset_time - self._clock.now() / SECOND + 0.5))
        raise too_many(min(seconds, limit.get_expiry()), f"{limit} per {bucket.value}")


async def _in_time(asking: Coroutine[Any, Any, None]) -> None:
    """Await an answer of Redis. Raises what it raises, and :class:`TimeoutError` when there is none in time."""
    task = asyncio.ensure_future(asking)
    try:
        for seconds in (PATIENCE_SECONDS, READING_SECONDS):
            await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()


def too_many(seconds: int, limit: str) -> ProblemError:
    """429: come back in ``seconds``."""
    return ProblemError(
        429,
        "RATE_LIMITED",
        "Too many requests",
        f"The limit of {limit} is used up.",
        f"Try again in {seconds} s, or raise the limit (docs/identity.md).",
        headers={"Retry-After": str(seconds)},
    )


def limits_of(settings: Settings) -> dict[Bucket, limits.RateLimitItem]:
    """The limits that the settings name. Raises :class:`ConfigurationError` for one that cannot be read."""
    return {bucket: _parsed(bucket, getattr(settings, f"rate_{bucket.value}")) for bucket in Bucket}


def _parsed(bucket: Bucket, text: str) -> limits.RateLimitItem:
    try:
        return limits.parse(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is not a rate", hint=f"Write MILLSTREAM_RATE_{bucket.name} as 20/minute or 5/second."
        ) from error
