"""The bus in one process: for tests and for runs that nobody else has to see."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import ClassVar
from weakref import WeakSet, WeakValueDictionary

from ..contracts.clock import Clock
from ..contracts.topics import Topic
from . import rules
from .base import (
    Consumer,
    Delivery,
    EventBus,
    Record,
    StartAt,
    Subscription,
    TopicPartition,
    TopicPartitionOffset,
)
from .partitions import partition_of, share_of

_SECOND = 1_000_000_000


class _Log:
    """One partition: the deliveries that retention has left, with offsets from 0 on without gaps."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.kept: deque[Delivery] = deque()
        self.end = 0
        self._bytes = 0

    @property
    def start(self) -> int:
        return self.end - len(self.kept)

    def append(self, record: Record, partition: int, timestamp: int) -> int:
        offset = self.end
        self.kept.append(
            Delivery(record.topic, partition, offset, record.key, record.value, dict(record.headers), timestamp)
        )
        self.end += 1
        self._bytes += len(record.value)
        while self._bytes > self.topic.retention_bytes and len(self.kept) > 1:
            self._drop_oldest()
        return offset

    def drop_before(self, timestamp: int) -> None:
        while self.kept and self.kept[0].timestamp < timestamp:
            self._drop_oldest()

    def read(self, offset: int, limit: int) -> list[Delivery]:
        """Up to ``limit`` deliveries from ``offset`` on, or from the oldest one kept."""
        skip = max(0, offset - self.start)
        return list(islice(self.kept, skip, skip + limit))

    def _drop_oldest(self) -> None:
        self._bytes -= len(self.kept.popleft().value)


class _Group:
    """The live instances of a group, the id of who owns which partition, and what is committed."""

    def __init__(self) -> None:
        self.members: WeakSet[MemoryConsumer] = WeakSet()
        self.owners: dict[TopicPartition, str] = {}
        self.committed: dict[TopicPartition, int] = {}
        self._joined = 0

    def join(self, member: "MemoryConsumer") -> str:
        self._joined += 1
        self.members.add(member)
        return f"{self._joined:09d}"

    def alive(self) -> set[str]:
        return {member.member_id for member in self.members}

    def free(self, partition: TopicPartition, member_id: str) -> bool:
        owner = self.owners.get(partition)
        return owner in (None, member_id) or owner not in self.alive()


class MemoryBroker:
    """What the buses of one address in this process share; it lives as long as one of them is referenced."""

    _named: ClassVar["WeakValueDictionary[str, MemoryBroker]"] = WeakValueDictionary()

    def __init__(self) -> None:
        self.topics: dict[str, list[_Log]] = {}
        self.groups: dict[str, _Group] = {}
        self._readers: WeakSet[MemoryConsumer] = WeakSet()

    @classmethod
    def at(cls, address: str) -> "MemoryBroker":
        """The broker named ``address``; an empty address is a broker of its own."""
        if not address:
            return cls()
        return cls._named.setdefault(address, cls())

    def log(self, partition: TopicPartition) -> _Log:
        return self.topics[partition.topic][partition.partition]

    def watch(self, reader: "MemoryConsumer") -> None:
        self._readers.add(reader)

    def unwatch(self, reader: "MemoryConsumer") -> None:
        self._readers.discard(reader)

    def wake(self) -> None:
        for reader in list(self._readers):
            reader.wake()


class MemoryBus(EventBus):
    """Keyed, partitioned topics in this process. Memory is bounded by the retention of each topic.

    Instances of a group share the partitions while they are referenced: a consumer that is dropped without ``close``
    counts as dead.
    """

    def __init__(self, address: str = "", *, clock: Clock, namespace: str = "") -> None:
        self._broker = MemoryBroker.at(address)
        self._clock = clock
        self._namespace = namespace
        self._is_open = False

    async def open(self) -> None:
        self._is_open = True

    async def close(self) -> None:
        self._is_open = False

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        self._check_open()
        for topic in topics:
            if self._namespace + topic.name not in self._broker.topics:
                self._broker.topics[self._namespace + topic.name] = [_Log(topic) for _ in range(topic.partitions)]

    async def publish(self, records: Sequence[Record]) -> list[TopicPartitionOffset]:
        self._check_open()
        logs = {name: self._logs(name) for name in {record.topic for record in records}}
        now = self._clock.now()
        stored = []
        for record in records:
            number = partition_of(record.key, len(logs[record.topic]))
            offset = logs[record.topic][number].append(record, number, now)
            stored.append(TopicPartitionOffset(record.topic, number, offset))
        self._broker.wake()
        return stored

    async def subscribe(self, subscription: Subscription) -> Consumer:
        self._check_open()
        subscription = rules.frozen(subscription)
        counts = {name: len(self._logs(name)) for name in rules.topics_of(subscription)}
        return MemoryConsumer(self._broker, self._namespace, subscription, rules.check(subscription, counts))

    async def trim(self, topics: Iterable[Topic]) -> None:
        self._check_open()
        for topic in topics:
            for log in self._logs(topic.name):
                log.drop_before(self._clock.now() - topic.retention_seconds * _SECOND)

    def _logs(self, name: str) -> list[_Log]:
        try:
            return self._broker.topics[self._namespace + name]
        except KeyError:
            raise rules.unknown_topic(name) from None

    def _check_open(self) -> None:
        if not self._is_open:
            raise rules.not_open()


class MemoryConsumer(Consumer):
    """Reads straight from the broker's logs; nothing is buffered."""

    def __init__(
        self, broker: MemoryBroker, namespace: str, subscription: Subscription, partitions: list[TopicPartition]
    ) -> None:
        self._broker = broker
        self._namespace = namespace
        self._subscription = subscription
        self._partitions = partitions
        self._starts = {partition: self._start(partition) for partition in partitions}
        self._next: dict[TopicPartition, int] = {}
        self._returned: dict[TopicPartition, int] = {}
        self._changed = asyncio.Event()
        self._group: _Group | None = None
        self._closed = False
        self.member_id = ""
        broker.watch(self)
        if subscription.group is None:
            self._next.update(self._starts)
        else:
            self._group = broker.groups.setdefault(namespace + subscription.group, _Group())
            self.member_id = self._group.join(self)
            broker.wake()

    def wake(self) -> None:
        self._changed.set()

    async def read(self, *, max_records: int = 500, timeout: float | None = None) -> list[Delivery]:
        if self._closed:
            raise rules.consumer_closed()
        end = None if timeout is None else asyncio.get_running_loop().time() + timeout
        await asyncio.sleep(0)  # a reader that always finds something must not keep the loop for itself
        while True:
            self._changed.clear()
            await self._rebalance()
            if found := self._take(max_records):
                return found
            if not await self._wait(end):
                return []

    async def commit(self) -> None:
        if self._group is None:
            raise rules.commit_needs_group()
        for partition in self._next:
            if partition in self._returned:
                self._group.committed[partition] = self._returned[partition]

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._next)

    async def lag(self) -> int:
        logs = ((self._log(partition), offset) for partition, offset in self._next.items())
        return sum(log.end - max(offset, log.start) for log, offset in logs)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._broker.unwatch(self)
        if self._group is not None:
            await self._give_up(frozenset(self._next))
            self._group.members.discard(self)
            self._broker.wake()

    def _take(self, max_records: int) -> list[Delivery]:
        """What is there, one partition after the other; the one that was cut short comes last the next time."""
        found: list[Delivery] = []
        for partition in list(self._next):
            batch = self._log(partition).read(self._next[partition], max_records - len(found))
            if batch:
                found += batch
                self._returned[partition] = batch[-1].offset
                del self._next[partition]
                self._next[partition] = batch[-1].offset + 1
            if len(found) >= max_records:
                break
        return found

    async def _wait(self, end: float | None) -> bool:
        """Wait until something is published or the group changes; false once the loop's time is ``end``.

        An instance that died tells nobody, so a member of a group looks again every 50 ms.
        """
        now = asyncio.get_running_loop().time()
        if end is not None and now >= end:
            return False
        glance = None if self._group is None else now + 0.05
        try:
            async with asyncio.timeout_at(min((t for t in (end, glance) if t is not None), default=None)):
                await self._changed.wait()
        except TimeoutError:
            pass
        return True

    async def _rebalance(self) -> None:
        if self._group is None:
            return
        share = share_of(self.member_id, self._group.alive(), self._partitions)
        if lost := frozenset(self._next) - share:
            await self._give_up(lost)
            self._broker.wake()
        if gained := sorted(p for p in share - self._next.keys() if self._group.free(p, self.member_id)):
            await self._take_over(self._group, gained)

    async def _give_up(self, partitions: frozenset[TopicPartition]) -> None:
        if partitions and self._subscription.on_revoked is not None:
            await self._subscription.on_revoked(sorted(partitions))
        for partition in partitions:
            self._next.pop(partition, None)
            self._returned.pop(partition, None)
            if self._group is not None:
                self._group.owners.pop(partition, None)

    async def _take_over(self, group: _Group, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            group.owners[partition] = self.member_id
        known = dict(self._starts)
        known.update({partition: offset + 1 for partition, offset in group.committed.items()})
        if self._subscription.on_assigned is not None:
            handled = await self._subscription.on_assigned(partitions)
            known.update({partition: offset + 1 for partition, offset in handled.items()})
        self._next.update({partition: known[partition] for partition in partitions})

    def _start(self, partition: TopicPartition) -> int:
        if (handled := self._subscription.after.get(partition)) is not None:
            return handled + 1
        return 0 if self._subscription.start_at is StartAt.EARLIEST else self._log(partition).end

    def _log(self, partition: TopicPartition) -> _Log:
        return self._broker.log(TopicPartition(self._namespace + partition.topic, partition.partition))
