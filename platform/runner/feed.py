"""The market of one session, for one set of instruments: each event once, in order."""

from collections.abc import AsyncIterator, Iterable

import structlog

from ..bus.base import Consumer, Delivery, TopicPartition
from ..bus.partitions import partition_of
from ..contracts import topics
from ..contracts.codec import decode
from ..contracts.errors import RetriableError, UndecodableMessageError
from ..contracts.events import Bar, BarOpened, MarketEvent, Watermark
from .offsets import OffsetTracker

TOPIC = topics.MARKET_RAW_DATA
_log = structlog.get_logger()


def market_partitions(instruments: Iterable[str]) -> list[TopicPartition]:
    """The partitions that hold the instruments."""
    numbers = sorted({partition_of(instrument, TOPIC.partitions) for instrument in instruments})
    return [TopicPartition(TOPIC.name, number) for number in numbers]


class MarketFeed:
    """Events of ``session`` and ``instruments`` after market time ``after``.

    What ended at or before ``after``, bars of another timeframe and redeliveries are left out.
    """

    def __init__(
        self,
        consumer: Consumer,
        offsets: OffsetTracker,
        *,
        session: str,
        instruments: Iterable[str],
        timeframe: str,
        after: int,
    ) -> None:
        self._consumer = consumer
        self._offsets = offsets
        self._session = session
        self._sequences = dict.fromkeys(instruments, 0)
        self._timeframe = timeframe
        self._after = after

    async def events(self) -> AsyncIterator[MarketEvent]:
        while True:
            try:
                deliveries = await self._consumer.read()
            except RetriableError as error:
                _log.warning("bus lost, reading again", error=str(error))
                continue
            for delivery in deliveries:
                event = self._event(delivery)
                place = TopicPartition(delivery.topic, delivery.partition)
                self._offsets.read(place, delivery.offset, event.ts if event is not None else 0)
                if event is not None:
                    yield event

    def _event(self, delivery: Delivery) -> MarketEvent | None:
        if delivery.key not in self._sequences:
            return None
        try:
            event = decode(delivery.topic, delivery.value)
        except UndecodableMessageError as error:
            _log.error("skipped a record that cannot be read", error=str(error), hint=error.hint)
            return None
        return event if isinstance(event, MarketEvent) and self._wanted(event) else None

    def _wanted(self, event: MarketEvent) -> bool:
        if event.session != self._session or isinstance(event, BarOpened):
            return False
        if 0 < event.sequence <= self._sequences[event.instrument]:
            return False
        self._sequences[event.instrument] = max(event.sequence, self._sequences[event.instrument])
        if isinstance(event, Bar | Watermark):
            return event.timeframe == self._timeframe and event.ts > self._after
        return True
