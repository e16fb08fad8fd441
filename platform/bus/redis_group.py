"""Membership of a group on Redis: who is alive, and who owns which partition."""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from uuid import uuid4

from ..contracts.clock import Clock
from .base import TopicPartition
from .partitions import share_of
from .redis_keys import Keys, field_of
from .redis_link import UNREACHABLE, RedisLink, pack
from .redis_scripts import SHARE

_SLOWEST_BEAT = 1.0


class Membership:
    """One instance of a group. All instances of a group subscribe to the same topics.

    A heartbeat keeps it alive on the server; ``share`` is what it should read by the members known, ``owned`` what it
    may read. A partition changes hands when its owner releases it or has not been heard of for ``session_timeout``
    seconds. The heart stops when the consumer has not been reading for ``longest_pause`` seconds.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        group: str,
        partitions: Iterable[TopicPartition],
        clock: Clock,
        *,
        session_timeout: float,
        longest_pause: float = 300.0,
    ) -> None:
        self.member_id = uuid4().hex
        self.share: frozenset[TopicPartition] = frozenset()
        self.owned: frozenset[TopicPartition] = frozenset()
        self._link = link
        self._keys = (keys.group(group, "members"), keys.group(group, "owners"))
        self._partitions = {field_of(partition): partition for partition in partitions}
        self._clock = clock
        self._session_timeout = session_timeout
        self._longest_pause = round(longest_pause * 1_000_000_000)
        self._last_seen = clock.monotonic()
        self._one_at_a_time = asyncio.Lock()
        self._heart: asyncio.Task[None] | None = None

    async def join(self) -> None:
        """Become a member and let the heart beat."""
        await self.exchange()
        self._heart = asyncio.create_task(self._beat(), name=f"bus-heartbeat-{self.member_id}")

    async def leave(self) -> None:
        """Release everything at once, so that the others need not wait; harmless when Redis is away."""
        if self._heart is not None:
            self._heart.cancel()
            with suppress(asyncio.CancelledError):
                await self._heart
        # The members' time to live says the same a little later.
        with suppress(*UNREACHABLE):
            await self._exchange(0, self.owned, ())
        await self._link.close()

    def seen(self) -> None:
        """The consumer is reading."""
        self._last_seen = self._clock.monotonic()

    async def exchange(
        self, *, release: Collection[TopicPartition] = (), want: Collection[TopicPartition] = ()
    ) -> None:
        """Beat once, give partitions back and ask for others; ``owned`` and ``share`` are up to date afterwards."""
        await self._exchange(round(self._session_timeout * 1000), release, want)

    async def _exchange(self, ttl: int, release: Collection[TopicPartition], want: Collection[TopicPartition]) -> None:
        fields = [field_of(partition) for partition in (*release, *want)]
        command = pack("EVAL", SHARE, 2, *self._keys, self.member_id, ttl, len(release), *fields)
        async with self._one_at_a_time:
            members, owned = (await self._link.send([command]))[0]
        self.owned = frozenset(
            self._partitions[field.decode()] for field in owned if field.decode() in self._partitions
        )
        self.share = share_of(self.member_id, {member.decode() for member in members}, self._partitions.values())

    async def _beat(self) -> None:
        pause = min(self._session_timeout / 4, _SLOWEST_BEAT)
        while True:
            await self._clock.sleep(pause)
            if self._clock.monotonic() - self._last_seen > self._longest_pause:
                continue
            # The next beat tries again; reading reports a server that stays away.
            with suppress(*UNREACHABLE):
                await self.exchange()
