"""Reading from Kafka, with a watch for consumers that silently stop fetching."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ..contracts.clock import Clock
from ..contracts.errors import RetriableError
from . import rules
from .base import Consumer, Delivery, StartAt, Subscription, TopicPartition
from .outage import Deadline, Outage

UNREACHABLE = (KafkaError, OSError)
_LONGEST_WAIT = 0.5
_STUCK_AFTER = 5.0
_TIME_TO_STOP = 5.0
_NS_PER_MS = 1_000_000
_SECOND = 1_000_000_000

Connect = Callable[[str | None], AIOKafkaConsumer]


class KafkaConsumer(Consumer):
    """Offsets are Kafka's. The callbacks of a group run inside ``read``, never beside the caller's own work.

    ``connect`` makes an AIOKafkaConsumer for a group or for none; it is made again when it stops fetching.
    """

    def __init__(
        self,
        connect: Connect,
        namespace: str,
        subscription: Subscription,
        partitions: Iterable[TopicPartition],
        clock: Clock,
        outage: Outage,
    ) -> None:
        self._connect = connect
        self._namespace = namespace
        self._subscription = subscription
        self._partitions = {self._theirs(partition): partition for partition in partitions}
        self._clock = clock
        self._outage = outage
        self._starts: dict[TopicPartition, int] = {}
        self._next: dict[TopicPartition, int] = {}
        self._returned: set[TopicPartition] = set()
        self._inner: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()
        self._generation = 0
        self._failure: Exception | None = None
        self._watch = FetchWatch(clock)
        self._closed = False

    async def start(self) -> None:
        """Connect and find out where each partition begins. Raises one of ``UNREACHABLE``."""
        await self._turn.acquire()
        await self._renew()

    async def read(self, *, max_records: int = 500, timeout: float | None = None) -> list[Delivery]:
        if self._closed:
            raise rules.consumer_closed()
        deadline = Deadline(self._clock, timeout)
        self._turn.release()
        try:
            while True:
                try:
                    records, generation = await self._poll(max_records, deadline.left_of(_LONGEST_WAIT))
                except UNREACHABLE as error:
                    records, generation = {}, -1
                    await self._outage.wait(error, at_most=deadline.left())
                async with self._turn:
                    self._raise_failure()
                    if records and generation == self._generation:
                        return self._take(records)
                if deadline.passed:
                    return []
        finally:
            await self._turn.acquire()

    async def commit(self) -> None:
        if self._subscription.group is None:
            raise rules.commit_needs_group()
        offsets = {self._theirs(p): self._next[p] for p in self._returned if p in self._next}
        while offsets:
            try:
                if self._inner is None:
                    await self._renew()
                    raise _moved()
                async with asyncio.timeout(_TIME_TO_STOP):
                    await self._inner.commit(offsets)
                self._outage.over()
                return
            except (CommitFailedError, IllegalStateError) as error:
                raise _moved() from error
            except UNREACHABLE as error:
                await self._outage.wait(error)

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._next)

    async def lag(self) -> int:
        wanted = dict(self._next)
        while wanted:
            try:
                ends = await self._ends(self._inner or await self._renew(), wanted)
            except UNREACHABLE as error:
                await self._outage.wait(error)
            else:
                self._outage.over()
                return sum(max(0, ends[partition] - offset) for partition, offset in wanted.items())
        return 0

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._revoke()
        finally:
            self._turn.release()
            await self._drop()

    async def revoked(self) -> None:
        """A rebalance begins: nothing that was fetched before it may be returned any more."""
        self._settled.clear()
        self._generation += 1
        await self._in_turn(self._revoke)

    async def assigned(self, inner: AIOKafkaConsumer, partitions: Iterable[KafkaPartition]) -> None:
        """The rebalance is over: set the position of every partition before anything of it is returned."""
        mine = sorted(self._partitions[partition] for partition in partitions)
        await self._in_turn(lambda: self._take_over(inner, mine))
        self._generation += 1
        self._watch.forget()
        self._settled.set()

    async def _poll(self, max_records: int, seconds: float) -> tuple[dict[KafkaPartition, list[ConsumerRecord]], int]:
        """What there is within ``seconds``, and the generation it was fetched in (-1: it must not be returned)."""
        inner = self._inner or await self._renew()
        if not self._settled.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(max(seconds, 0.001)):
                    await self._settled.wait()
            return {}, -1
        records = await inner.getmany(timeout_ms=round(seconds * 1000), max_records=max_records)
        generation = self._generation if self._settled.is_set() else -1
        if records or self._watch.fetches(inner):
            self._outage.over()
        elif self._watch.stuck:
            await self._drop()
        return records, generation

    def _take(self, records: Mapping[KafkaPartition, list[ConsumerRecord]]) -> list[Delivery]:
        taken: list[Delivery] = []
        for theirs, batch in records.items():
            mine = self._partitions[theirs]
            topic, number = mine
            taken += [
                Delivery(
                    topic,
                    number,
                    record.offset,
                    _text(record.key),
                    record.value or b"",
                    {name: _text(text) for name, text in record.headers},
                    record.timestamp * _NS_PER_MS,
                )
                for record in batch
            ]
            self._next[mine] = batch[-1].offset + 1
            self._returned.add(mine)
        return taken

    async def _renew(self) -> AIOKafkaConsumer:
        """Connect anew; without a group it goes on behind what was returned. Raises one of ``UNREACHABLE``."""
        inner = self._connect(self._subscription.group)
        try:
            async with asyncio.timeout(_TIME_TO_STOP):
                await inner.start()
                if not self._starts:
                    self._starts = await self._begin(inner)
        except BaseException:
            await _stop(inner)
            raise
        self._inner = inner
        self._watch.forget()
        if self._subscription.group is None:
            self._next = self._next or dict(self._starts)
            inner.assign(list(self._partitions))
            for theirs, mine in self._partitions.items():
                inner.seek(theirs, self._next[mine])
            self._settled.set()
        else:
            topics = [self._namespace + topic for topic in self._subscription.topics]
            inner.subscribe(topics, listener=_Listener(self, inner))
        return inner

    async def _drop(self) -> None:
        inner, self._inner = self._inner, None
        self._settled.clear()
        self._generation += 1
        if inner is not None:
            await _stop(inner)

    async def _begin(self, inner: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """The first offset to read of each partition; ``LATEST`` becomes the end as it is now."""
        starts = {partition: offset + 1 for partition, offset in self._subscription.after.items()}
        unknown = [theirs for theirs, mine in self._partitions.items() if mine not in starts]
        earliest = self._subscription.start_at is StartAt.EARLIEST
        found = await (inner.beginning_offsets(unknown) if earliest else inner.end_offsets(unknown))
        starts.update({self._partitions[theirs]: offset for theirs, offset in found.items()})
        return starts

    async def _ends(self, inner: AIOKafkaConsumer, wanted: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        async with asyncio.timeout(_TIME_TO_STOP):
            ends = await inner.end_offsets([self._theirs(partition) for partition in wanted])
        return {self._partitions[theirs]: offset for theirs, offset in ends.items()}

    async def _in_turn(self, step: Callable[[], Awaitable[None]]) -> None:
        """Run a step of a rebalance while the caller is inside ``read``; aiokafka would only log its error."""
        async with self._turn:
            if self._closed:
                return
            try:
                await step()
            except Exception as error:  # noqa: BLE001  # kept for ``read``, which raises it
                self._failure = error

    async def _revoke(self) -> None:
        gone = sorted(self._next)
        if gone and self._subscription.group is not None and self._subscription.on_revoked is not None:
            await self._subscription.on_revoked(gone)
        self._next.clear()
        self._returned.clear()

    async def _take_over(self, inner: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        known = {partition: self._starts[partition] for partition in partitions}
        for partition in partitions:
            if (committed := await inner.committed(self._theirs(partition))) is not None:
                known[partition] = committed
        if partitions and self._subscription.on_assigned is not None:
            handled = await self._subscription.on_assigned(partitions)
            known.update({partition: offset + 1 for partition, offset in handled.items()})
        for partition in partitions:
            inner.seek(self._theirs(partition), known[partition])
            self._next[partition] = known[partition]

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _theirs(self, partition: TopicPartition) -> KafkaPartition:
        return KafkaPartition(self._namespace + partition.topic, partition.partition)


class FetchWatch:
    """Whether a consumer still fetches.

    A healthy one hears from the broker several times a second about every partition, records or not; after a rebalance
    or a broker's restart aiokafka may fall silent without a sign. Only time spent waiting for records counts, so that a
    busy or suspended process is not taken for a stuck one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[KafkaPartition, int | None] = {}
        self._silent_for = 0
        self._looked: int | None = None

    def forget(self) -> None:
        self._heard = {}
        self._silent_for = 0
        self._looked = None

    def fetches(self, inner: AIOKafkaConsumer) -> bool:
        """Look once; true when every assigned partition was heard of since the count of silence began."""
        now = self._clock.monotonic()
        if self._looked is not None:
            self._silent_for += min(now - self._looked, round(2 * _LONGEST_WAIT * _SECOND))
        self._looked = now
        heard = {partition: inner.last_poll_timestamp(partition) for partition in inner.assignment()}
        if all(self._heard.get(partition, -1) != stamp is not None for partition, stamp in heard.items()):
            self._heard = heard
            self._silent_for = 0
            return True
        return False

    @property
    def stuck(self) -> bool:
        return self._silent_for > _STUCK_AFTER * _SECOND


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, consumer: KafkaConsumer, inner: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._inner = inner

    async def on_partitions_revoked(self, revoked: Iterable[KafkaPartition]) -> None:  # noqa: ARG002  # aiokafka revokes all
        await self._consumer.revoked()

    async def on_partitions_assigned(self, assigned: Iterable[KafkaPartition]) -> None:
        await self._consumer.assigned(self._inner, assigned)


async def _stop(inner: AIOKafkaConsumer) -> None:
    """Disconnect, and leave the group when the broker answers; its session ends by itself otherwise.

    In a task of its own, because aiokafka's ``stop`` raises CancelledError, as if the caller had been cancelled, when
    it interrupts a fetch that waits for its next attempt; the connections are then still open.
    """
    stopping = asyncio.create_task(inner.stop())
    try:
        await asyncio.wait([stopping], timeout=_TIME_TO_STOP)
    finally:
        stopping.cancel()
        await asyncio.wait([stopping])
        if stopping.cancelled() or isinstance(stopping.exception(), UNREACHABLE):
            await inner._client.close()  # noqa: SLF001  # what ``stop`` would have done last
    if not stopping.cancelled() and not isinstance(stopping.exception(), UNREACHABLE):
        stopping.result()


def _text(raw: bytes | None) -> str:
    """What another program wrote may be missing or no UTF-8; it must not stop the reader."""
    return (raw or b"").decode(errors="replace")


def _moved() -> RetriableError:
    return RetriableError(
        "The offsets were not committed: the group is being rebalanced.",
        hint="Go on reading; what was not committed is delivered again.",
    )
