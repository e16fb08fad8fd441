"""The event bus: an ordered, partitioned, at-least-once log, whatever carries it.

Records with the same key keep their order. A consumer's position is the offset of the last record it handled; trading
services keep it in the database beside their state, so ``commit`` is for consumers without state.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Self

from ..contracts.topics import Topic


class TopicPartition(NamedTuple):
    """One ordered log of a topic."""

    topic: str
    partition: int


class TopicPartitionOffset(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is published. ``key`` decides the partition; header values are texts."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is read. ``offset`` grows strictly within a partition, not always by one; ``timestamp`` is UTC ns."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str]
    timestamp: int


class StartAt(StrEnum):
    """Where a partition without a known offset begins."""

    EARLIEST = "earliest"
    LATEST = "latest"


OnAssigned = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
OnRevoked = Callable[[Sequence[TopicPartition]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What to read, and from where.

    ``group``: instances of one group share the partitions and rebalance; without one the consumer reads all of
    ``partitions`` (or every partition of ``topics``) by itself. ``after`` maps a partition to the offset of the last
    record already handled: reading goes on behind it. With a group, ``on_assigned`` returns those offsets for newly
    assigned partitions, and ``on_revoked`` is awaited before they go to another instance.
    """

    topics: Sequence[str]
    group: str | None = None
    partitions: Iterable[TopicPartition] | None = None
    after: Mapping[TopicPartition, int] = field(default_factory=dict)
    start_at: StartAt = StartAt.EARLIEST
    on_assigned: OnAssigned | None = None
    on_revoked: OnRevoked | None = None


class Consumer(ABC):
    """Reads deliveries in order within each partition. Not safe for several tasks at once."""

    @abstractmethod
    async def read(self, *, max_records: int = 500, timeout: float | None = None) -> list[Delivery]:
        """Wait for records and return up to ``max_records`` of what is there; empty after ``timeout`` seconds.

        Nothing more is fetched than fits a bounded buffer (back-pressure). Raises :class:`RetriableError` when the
        broker stays unreachable for the bus's ``patience``; reading again goes on where it stopped.
        """

    @abstractmethod
    async def commit(self) -> None:
        """Store the position behind everything returned so far for the group. Without a group: an error."""

    @abstractmethod
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions this consumer reads now."""

    @abstractmethod
    async def lag(self) -> int:
        """Records published but not yet returned by ``read``, over all assigned partitions."""

    @abstractmethod
    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class EventBus(ABC):
    """One connection to a bus. Use as ``async with``, or ``open`` and ``close``."""

    @abstractmethod
    async def open(self) -> None:
        """Connect. Raises :class:`RetriableError` that names the address and the remedy when nothing answers."""

    @abstractmethod
    async def close(self) -> None:
        """Flush and disconnect; harmless when not open."""

    @abstractmethod
    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create what is missing, with the table's partitions and retention; existing topics stay as they are."""

    @abstractmethod
    async def publish(self, records: Sequence[Record]) -> list[TopicPartitionOffset]:
        """Append the records, in order, and return where they stand once they are stored durably.

        A retry after a lost connection may store a record twice: consumers dedupe by event id. Raises
        :class:`RetriableError` when the broker stays unreachable for the bus's ``patience``.
        """

    @abstractmethod
    async def subscribe(self, subscription: Subscription) -> Consumer: ...

    @abstractmethod
    async def trim(self, topics: Iterable[Topic]) -> None:
        """Apply the retention of the table (a no-op where the broker does it by itself)."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
