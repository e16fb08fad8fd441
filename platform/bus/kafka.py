"""The bus over Apache Kafka."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)

from ..contracts.clock import Clock
from ..contracts.errors import ConfigurationError, InputError
from ..contracts.topics import Topic
from . import rules
from .base import Consumer, EventBus, Record, Subscription, TopicPartitionOffset
from .kafka_consumer import UNREACHABLE, KafkaConsumer
from .outage import Outage
from .partitions import partition_of

_RECORDS_AT_ONCE = 1000
_BATCH_BYTES = 256 * 1024
_FETCH_BYTES = 8 << 20
_PARTITION_FETCH_BYTES = 1 << 20
_SMALLEST_SEGMENT = 1 << 20
_TIME_TO_CONNECT = 5.0
_REMEDY = "Start a broker with `make kafka` and set MILLSTREAM_KAFKA_BOOTSTRAP, or use MILLSTREAM_BUS=redis."

T = TypeVar("T")


class KafkaBus(EventBus):
    """Topics ``<namespace><topic>`` on the brokers of ``address`` (``host:port[,host:port]``).

    ``session_timeout`` is how many seconds an instance of a group may be silent before the others take over; the broker
    refuses less than its ``group.min.session.timeout.ms``.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Clock,
        namespace: str = "",
        patience: float = 30.0,
        replication_factor: int = 1,
        session_timeout: float = 10.0,
    ) -> None:
        self._address = address
        self._clock = clock
        self._namespace = namespace
        self._patience = patience
        self._replication_factor = replication_factor
        self._session_timeout = session_timeout
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._is_open = False
        self._counts: dict[str, int] = {}

    async def open(self) -> None:
        self._is_open = True
        try:
            await self._patiently(self._connected)
        except BaseException:
            self._is_open = False
            raise

    async def close(self) -> None:
        self._is_open = False
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer, self._patience)

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        self._check_open()
        wanted = [topic for topic in topics if topic.name not in self._counts]
        if wanted:
            await self._patiently(lambda: self._create(wanted))

    async def publish(self, records: Sequence[Record]) -> list[TopicPartitionOffset]:
        self._check_open()
        for name in {record.topic for record in records} - self._counts.keys():
            await self._count(name)
        stored: list[TopicPartitionOffset] = []
        for start in range(0, len(records), _RECORDS_AT_ONCE):
            chunk = records[start : start + _RECORDS_AT_ONCE]
            stored += await self._patiently(lambda chunk=chunk: self._send(chunk))  # type: ignore[misc]
        return stored

    async def subscribe(self, subscription: Subscription) -> Consumer:
        self._check_open()
        subscription = rules.frozen(subscription)
        counts = {name: await self._count(name) for name in rules.topics_of(subscription)}
        partitions = rules.check(subscription, counts)
        outage = self._outage()
        while True:
            consumer = KafkaConsumer(self._new_consumer, self._namespace, subscription, partitions, self._clock, outage)
            try:
                await consumer.start()
            except UNREACHABLE as error:
                await outage.wait(error)
            else:
                outage.over()
                return consumer

    async def trim(self, topics: Iterable[Topic]) -> None:  # noqa: ARG002  # the interface of all buses
        """Nothing to do: the brokers delete by ``retention.ms`` and ``retention.bytes`` of each topic."""
        self._check_open()

    async def _send(self, records: Sequence[Record]) -> list[TopicPartitionOffset]:
        """Make one attempt, in order.

        After a fault the producer is thrown away with all that waits in it, so that nothing is sent after the caller
        was told that it failed.
        """
        producer = await self._connected()
        acks: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._patience):
                for record in records:
                    headers = [(name, text.encode()) for name, text in record.headers.items()]
                    number = partition_of(record.key, self._counts[record.topic])
                    topic = self._namespace + record.topic
                    acks.append(await producer.send(topic, record.value, record.key.encode(), number, headers=headers))
                stored = await asyncio.gather(*acks)
        except MessageSizeTooLargeError as error:
            raise InputError(f"A record is too large for Kafka: {error}", hint="Publish smaller records.") from error
        except UNREACHABLE:
            for ack in acks:
                ack.cancel()
            await self._discard(producer)
            raise
        return [
            TopicPartitionOffset(record.topic, ack.partition, ack.offset)
            for record, ack in zip(records, stored, strict=True)
        ]

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                self._check_open()
                self._producer = await self._new_producer()
            return self._producer

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._address,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            retry_backoff_ms=50,
            request_timeout_ms=round(self._patience * 1000),
        )
        try:
            async with asyncio.timeout(_TIME_TO_CONNECT):
                await producer.start()
        except BaseException:
            await _give_up(producer)
            raise
        return producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        await _give_up(producer)

    def _new_consumer(self, group: str | None) -> AIOKafkaConsumer:
        session = round(self._session_timeout * 1000)
        return AIOKafkaConsumer(
            bootstrap_servers=self._address,
            group_id=None if group is None else self._namespace + group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
            retry_backoff_ms=50,
            request_timeout_ms=max(round(self._patience * 1000), session + 5000),
            session_timeout_ms=session,
            heartbeat_interval_ms=min(session // 4, 1000),
        )

    async def _create(self, topics: Sequence[Topic]) -> None:
        async with asyncio.timeout(self._patience):
            admin = await self._admin()
            try:
                answer = await admin.create_topics([self._new_topic(topic) for topic in topics])
                for name, code, *message in answer.topic_errors:
                    if code not in {0, TopicAlreadyExistsError.errno}:
                        raise _refusal(name, for_code(code), message)
                names = [topic.name for topic in topics]
                while missing := [name for name in names if name not in self._counts]:
                    await self._look(admin)
                    if any(name not in self._counts for name in missing):
                        await self._clock.sleep(0.02)
            finally:
                await admin.close()

    def _new_topic(self, topic: Topic) -> NewTopic:
        """Only closed segments are deleted, so they are a quarter of what is kept at most."""
        retention = topic.retention_seconds * 1000
        configs = {
            "cleanup.policy": "delete",
            "retention.ms": str(retention),
            "retention.bytes": str(topic.retention_bytes),
            "segment.ms": str(max(retention // 4, 1000)),
            "segment.bytes": str(min(max(topic.retention_bytes // 4, _SMALLEST_SEGMENT), 1 << 30)),
        }
        name = self._namespace + topic.name
        return NewTopic(name, topic.partitions, self._replication_factor, topic_configs=configs)

    async def _count(self, name: str) -> int:
        """The partitions of a topic. All topics are listed, because asking for one by name might create it."""
        if name not in self._counts:
            await self._patiently(self._look)
        if name not in self._counts:
            raise rules.unknown_topic(name)
        return self._counts[name]

    async def _look(self, admin: AIOKafkaAdminClient | None = None) -> None:
        """Note the partitions of every topic of the namespace whose partitions all have a leader."""
        if admin is None:
            admin = await self._admin()
            try:
                return await self._look(admin)
            finally:
                await admin.close()
        for topic in await admin.describe_topics():
            name: str = topic["topic"]
            ready = topic["partitions"] and all(part["leader"] >= 0 for part in topic["partitions"])
            if name.startswith(self._namespace) and ready and topic["error_code"] == 0:
                self._counts[name.removeprefix(self._namespace)] = len(topic["partitions"])
        return None

    async def _admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._address, request_timeout_ms=round(self._patience * 1000))
        try:
            async with asyncio.timeout(_TIME_TO_CONNECT):
                await admin.start()
        except BaseException:
            await admin.close()
            raise
        return admin

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        outage = self._outage()
        while True:
            try:
                return await attempt()
            except UNREACHABLE as error:
                await outage.wait(error)

    def _outage(self) -> Outage:
        return Outage(self._clock, self._patience, self._address, _REMEDY)

    def _check_open(self) -> None:
        if not self._is_open:
            raise rules.not_open()


async def _stop(producer: AIOKafkaProducer, seconds: float) -> None:
    """Flush and disconnect; after ``seconds`` give up what is not sent."""
    try:
        async with asyncio.timeout(seconds):
            await producer.flush()
    except TimeoutError:
        await _give_up(producer)
    else:
        await producer.stop()


async def _give_up(producer: AIOKafkaProducer) -> None:
    """Disconnect and fail what the producer still holds; an idempotent one would go on trying for ever.

    aiokafka has no public way to do this: its ``stop`` waits until everything is delivered.
    """
    sender = producer._sender.sender_task  # noqa: SLF001
    if sender is not None:
        sender.cancel()
    await producer.client.close()
    if sender is not None:
        await asyncio.wait([sender])
    producer._message_accumulator.fail_all(KafkaTimeoutError("the broker did not answer in time"))  # noqa: SLF001
    await producer.stop()


def _refusal(name: str, kind: type[KafkaError], message: Sequence[Any]) -> Exception:
    text = f"Kafka did not create topic {name!r}: {kind.__name__} {message}"
    if kind.retriable:
        retriable: Exception = LeaderNotAvailableError(text)
        return retriable
    return ConfigurationError(text, hint="Check the broker's settings and the rights of this client.")
