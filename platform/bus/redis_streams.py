"""The bus over Redis Streams: one stream for each partition of a topic."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from ..contracts.clock import Clock
from ..contracts.topics import Topic
from . import rules
from .base import Consumer, EventBus, Record, Subscription, TopicPartition, TopicPartitionOffset
from .outage import Outage
from .partitions import partition_of
from .redis_consumer import RedisConsumer, starting_offsets
from .redis_group import Membership
from .redis_keys import Keys, offset_of
from .redis_link import UNREACHABLE, Argument, RedisLink, pack, pool_of, shown
from .redis_scripts import APPEND

_RECORDS_AT_ONCE = 500
_BYTES_AT_ONCE = 1 << 20
_REMEDY = "Start it with `millstream up`, or correct MILLSTREAM_REDIS_URL."

T = TypeVar("T")


class RedisBus(EventBus):
    """Topics as streams ``<namespace><topic>:<partition>`` on one Redis server, 6.2 or later.

    An entry's first field is the key with the value, the others are the headers. ``session_timeout`` is how many
    seconds an instance of a group may be silent before the others take over its partitions.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Clock,
        namespace: str = "",
        patience: float = 30.0,
        session_timeout: float = 5.0,
    ) -> None:
        self._pool = pool_of(address)
        self._address = shown(address)
        self._clock = clock
        self._keys = Keys(namespace)
        self._patience = patience
        self._session_timeout = session_timeout
        self._link: RedisLink | None = None
        self._one_at_a_time = asyncio.Lock()
        self._counts: dict[str, int] = {}

    async def open(self) -> None:
        link = RedisLink(self._pool)
        self._link = link
        try:
            await self._patiently(lambda: link.call("PING"))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._link is not None:
            link, self._link = self._link, None
            await link.close()

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            await self._patiently(lambda topic=topic: self._create(topic))  # type: ignore[misc]

    async def publish(self, records: Sequence[Record]) -> list[TopicPartitionOffset]:
        for name in {record.topic for record in records} - self._counts.keys():
            await self._count(name)
        stored: list[TopicPartitionOffset] = []
        for chunk in _chunks(records):
            places = [TopicPartition(r.topic, partition_of(r.key, self._counts[r.topic])) for r in chunk]
            packed = self._append(chunk, places)
            ids = await self._patiently(lambda packed=packed: self._send(packed))  # type: ignore[misc]
            stored += [
                TopicPartitionOffset(place.topic, place.partition, offset_of(stream_id))
                for place, stream_id in zip(places, ids if len(chunk) > 1 else [ids], strict=True)
            ]
        return stored

    async def subscribe(self, subscription: Subscription) -> Consumer:
        subscription = rules.frozen(subscription)
        counts = {name: await self._count(name) for name in rules.topics_of(subscription)}
        partitions = rules.check(subscription, counts)
        link = RedisLink(self._pool)
        membership = None
        if subscription.group is not None:
            membership = Membership(
                RedisLink(self._pool),
                self._keys,
                subscription.group,
                partitions,
                self._clock,
                session_timeout=self._session_timeout,
            )
        try:
            starts = await self._patiently(lambda: starting_offsets(link, self._keys, subscription, partitions))
            if membership is not None:
                await self._patiently(membership.join)
        except BaseException:
            await link.close()
            if membership is not None:
                await membership.leave()
            raise
        return RedisConsumer(link, self._keys, subscription, starts, self._clock, self._outage(), membership=membership)

    async def trim(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            for number in range(await self._count(topic.name)):
                stream = self._keys.stream(TopicPartition(topic.name, number))
                await self._patiently(lambda topic=topic, stream=stream: self._trim(topic, stream))  # type: ignore[misc]

    async def _create(self, topic: Topic) -> None:
        """Note the partitions and make the empty streams, which needs a consumer group for a moment."""
        answers = await self._exchange(
            [
                pack("HSETNX", self._keys.topics, topic.name, topic.partitions),
                pack("HGET", self._keys.topics, topic.name),
            ]
        )
        self._counts[topic.name] = int(answers[1])
        streams = [self._keys.stream(TopicPartition(topic.name, n)) for n in range(self._counts[topic.name])]
        present = await self._exchange([pack("EXISTS", stream) for stream in streams])
        for stream, exists in zip(streams, present, strict=True):
            if not exists:
                group = f"created-{self._clock.now()}"
                await self._exchange(
                    [pack("XGROUP", "CREATE", stream, group, "$", "MKSTREAM"), pack("XGROUP", "DESTROY", stream, group)]
                )

    async def _trim(self, topic: Topic, stream: bytes) -> None:
        """By age exactly to the stream's node; by size through the bytes that an entry takes on average."""
        oldest = self._clock.now() // 1_000_000 - topic.retention_seconds * 1000
        _, length, used = await self._exchange(
            [
                pack("XTRIM", stream, "MINID", "~", f"{max(0, oldest)}-0"),
                pack("XLEN", stream),
                pack("MEMORY", "USAGE", stream),
            ]
        )
        if used is not None and used > topic.retention_bytes:
            await self._exchange([pack("XTRIM", stream, "MAXLEN", "~", length * topic.retention_bytes // used)])

    async def _count(self, name: str) -> int:
        """The partitions of a topic, as whoever created it first said."""
        if name not in self._counts:
            packed = pack("HGET", self._keys.topics, name)
            raw = await self._patiently(lambda: self._send(packed))
            if raw is None:
                raise rules.unknown_topic(name)
            self._counts[name] = int(raw)
        return self._counts[name]

    def _append(self, records: Sequence[Record], places: Sequence[TopicPartition]) -> bytes:
        streams = [self._keys.stream(place) for place in places]
        if len(records) == 1:
            return pack("XADD", streams[0], "*", *_fields(records[0]))
        arguments: list[Argument] = []
        for record in records:
            fields = _fields(record)
            arguments.append(len(fields))
            arguments += fields
        return pack("EVAL", APPEND, len(streams), *streams, *arguments)

    async def _send(self, packed: bytes) -> Any:
        return (await self._exchange([packed]))[0]

    async def _exchange(self, packed: Sequence[bytes]) -> list[Any]:
        async with self._one_at_a_time:
            if self._link is None:
                raise rules.not_open()
            return await self._link.send(packed)

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        try:
            return await attempt()
        except UNREACHABLE as error:
            outage = self._outage()
            await outage.wait(error)
        while True:
            try:
                return await attempt()
            except UNREACHABLE as error:
                await outage.wait(error)

    def _outage(self) -> Outage:
        return Outage(self._clock, self._patience, self._address, _REMEDY)


def _fields(record: Record) -> list[Argument]:
    fields: list[Argument] = [record.key, record.value]
    for name, text in record.headers.items():
        fields += (name, text)
    return fields


def _chunks(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Pieces that one round trip carries; a very large publish keeps neither side busy for long."""
    start = size = 0
    for index, record in enumerate(records):
        size += len(record.value)
        if index > start and (size > _BYTES_AT_ONCE or index - start >= _RECORDS_AT_ONCE):
            yield records[start:index]
            start, size = index, len(record.value)
    if start < len(records):
        yield records[start:]
