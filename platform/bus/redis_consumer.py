"""Reading from Redis Streams: one blocking XREAD over all assigned partitions."""

from collections import deque
from collections.abc import Iterable, Mapping

from ..contracts.clock import Clock
from . import rules
from .base import Consumer, Delivery, StartAt, Subscription, TopicPartition
from .outage import Deadline, Outage
from .redis_group import Membership
from .redis_keys import Keys, field_of, id_of, offset_of
from .redis_link import UNREACHABLE, RedisLink, pack
from .redis_scripts import COUNT_AFTER

_LONGEST_BLOCK = 5.0
_GLANCE_AT_GROUP = 0.25
_SMALLEST_COUNT = 32
_COUNTED_AT_ONCE = 1000
_READ = 500
_NS_PER_MS = 1_000_000
_NOTHING = -1


class RedisConsumer(Consumer):
    """Offsets encode stream ids, see ``redis_keys``; ``-1`` stands before the first entry.

    One XREAD asks for at most ``max(32, max_records / partitions)`` entries of each partition, and the next one is sent
    when these are handed out: that bounds the buffer.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        subscription: Subscription,
        starts: Mapping[TopicPartition, int],
        clock: Clock,
        outage: Outage,
        *,
        membership: Membership | None = None,
    ) -> None:
        self._link = link
        self._keys = keys
        self._subscription = subscription
        self._starts = starts
        self._clock = clock
        self._outage = outage
        self._membership = membership
        self._buffer: deque[Delivery] = deque()
        self._fetched: dict[TopicPartition, int] = {}
        self._returned: dict[TopicPartition, int] = {}
        self._streams: dict[bytes, TopicPartition] = {}
        self._closed = False
        if membership is None:
            self._assign(starts)

    async def read(self, *, max_records: int = _READ, timeout: float | None = None) -> list[Delivery]:
        if self._closed:
            raise rules.consumer_closed()
        deadline = Deadline(self._clock, timeout)
        while True:
            try:
                await self._settle()
                if not self._buffer:
                    await self._fetch(max_records, deadline)
                self._outage.over()
            except UNREACHABLE as error:
                await self._outage.wait(error, at_most=deadline.left())
            if self._buffer or deadline.passed:
                return self._take(max_records)

    async def commit(self) -> None:
        group = self._subscription.group
        if group is None:
            raise rules.commit_needs_group()
        handled = {partition: offset for partition, offset in self._returned.items() if partition in self._fetched}
        if not handled:
            return
        fields = [part for partition, offset in handled.items() for part in (field_of(partition), offset)]
        command = pack("HSET", self._keys.group(group, "offsets"), *fields)
        while True:
            try:
                await self._link.send([command])
            except UNREACHABLE as error:
                await self._outage.wait(error)
            else:
                self._outage.over()
                return

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._fetched)

    async def lag(self) -> int:
        while True:
            try:
                counts = [await self._behind(partition) for partition in self._fetched]
            except UNREACHABLE as error:
                await self._outage.wait(error)
            else:
                self._outage.over()
                return sum(counts) + len(self._buffer)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._buffer.clear()
        try:
            if self._membership is not None:
                await self._revoke(frozenset(self._fetched))
        finally:
            if self._membership is not None:
                await self._membership.leave()
            await self._link.close()

    def _take(self, max_records: int) -> list[Delivery]:
        if len(self._buffer) <= max_records:
            taken = list(self._buffer)
            self._buffer.clear()
        else:
            taken = [self._buffer.popleft() for _ in range(max_records)]
        for delivery in taken:
            self._returned[TopicPartition(delivery.topic, delivery.partition)] = delivery.offset
        return taken

    async def _fetch(self, max_records: int, deadline: Deadline) -> None:
        if not self._streams:
            await self._clock.sleep(deadline.left_of(_GLANCE_AT_GROUP / 4))
            return
        longest = _LONGEST_BLOCK if self._membership is None else _GLANCE_AT_GROUP
        seconds = deadline.left_of(longest)
        block = ("BLOCK", max(1, round(seconds * 1000))) if seconds > 0 else ()
        count = max(min(_SMALLEST_COUNT, max_records), max_records // len(self._streams))
        positions = [id_of(self._fetched[partition]) for partition in self._streams.values()]
        answer = await self._link.call(
            "XREAD", "COUNT", count, *block, "STREAMS", *self._streams, *positions, patience=seconds
        )
        for stream, entries in answer or ():
            self._keep(self._streams[stream], entries)

    def _keep(self, partition: TopicPartition, entries: list[tuple[bytes, list[bytes]]]) -> None:
        topic, number = partition
        offset = _NOTHING
        for stream_id, fields in entries:
            offset = offset_of(stream_id)
            headers = {_text(fields[at]): _text(fields[at + 1]) for at in range(2, len(fields), 2)}
            milliseconds = int(stream_id.partition(b"-")[0])
            self._buffer.append(
                Delivery(topic, number, offset, _text(fields[0]), fields[1], headers, milliseconds * _NS_PER_MS)
            )
        if offset != _NOTHING:
            self._fetched[partition] = offset

    async def _behind(self, partition: TopicPartition) -> int:
        """How many entries of the stream stand behind what was fetched, counted on the server piece by piece."""
        stream, position = self._keys.stream(partition), id_of(self._fetched[partition])
        total = 0
        counted: int
        while True:
            counted, position = await self._link.call("EVAL", COUNT_AFTER, 1, stream, position, _COUNTED_AT_ONCE)
            total += counted
            if counted < _COUNTED_AT_ONCE:
                return total

    async def _settle(self) -> None:
        """Give up and take over what the group's members agree on."""
        member = self._membership
        if member is None:
            return
        member.seen()
        assigned = frozenset(self._fetched)
        await self._revoke(assigned - (member.share & member.owned))
        if surplus := member.owned - member.share:
            await member.exchange(release=surplus)
        if wanted := member.share - self._fetched.keys():
            await member.exchange(want=wanted)
            if gained := (member.share & member.owned) - self._fetched.keys():
                await self._take_over(sorted(gained))

    async def _revoke(self, partitions: frozenset[TopicPartition]) -> None:
        if not partitions:
            return
        self._buffer = deque(d for d in self._buffer if (d.topic, d.partition) not in partitions)
        if self._subscription.on_revoked is not None:
            await self._subscription.on_revoked(sorted(partitions))
        for partition in partitions:
            del self._fetched[partition]
            self._returned.pop(partition, None)
        self._assign(self._fetched)

    async def _take_over(self, partitions: list[TopicPartition]) -> None:
        known = {partition: self._starts[partition] for partition in partitions}
        known.update(await self._committed(partitions))
        if self._subscription.on_assigned is not None:
            known.update(await self._subscription.on_assigned(partitions))
        self._assign({**self._fetched, **{partition: known[partition] for partition in partitions}})

    async def _committed(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        key = self._keys.group(self._subscription.group or "", "offsets")
        offsets = await self._link.call("HMGET", key, *map(field_of, partitions))
        return {partition: int(raw) for partition, raw in zip(partitions, offsets, strict=True) if raw is not None}

    def _assign(self, positions: Mapping[TopicPartition, int]) -> None:
        self._fetched = dict(positions)
        self._streams = {self._keys.stream(partition): partition for partition in self._fetched}


def _text(raw: bytes) -> str:
    """What another program wrote may be no UTF-8; it must not stop the reader."""
    return raw.decode(errors="replace")


async def starting_offsets(
    link: RedisLink, keys: Keys, subscription: Subscription, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """The offset behind which each partition begins; ``LATEST`` becomes the id of the newest entry right now."""
    starts = {partition: subscription.after.get(partition, _NOTHING) for partition in partitions}
    if subscription.start_at is StartAt.EARLIEST:
        return starts
    for partition in starts.keys() - subscription.after.keys():
        newest = await link.call("XREVRANGE", keys.stream(partition), "+", "-", "COUNT", 1)
        starts[partition] = offset_of(newest[0][0]) if newest else _NOTHING
    return starts
