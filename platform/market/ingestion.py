"""From the live market into the store: bars become candles, exactly once."""

import asyncio
import base64
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import pandas as pd
import psycopg
import structlog

from ..bus.base import Delivery, EventBus, Record, Subscription, TopicPartition
from ..contracts.clock import Clock
from ..contracts.codec import decode, encode
from ..contracts.errors import RetriableError, UndecodableMessageError
from ..contracts.events import Bar, DeadLetter
from ..contracts.ids import digest
from ..contracts.time import SECOND
from ..contracts.topics import DEAD_LETTERS, MARKET_RAW_DATA
from ..store.database import connect_sync
from . import candles
from .copy_format import utc_index
from .tally import Tally

CONSUMER = "ingestion"
SOURCE = "live"
_PAUSE = 1.0
_IDLE_SAVE = 10 * SECOND
_log = structlog.get_logger(__name__)
_SAVE = (
    "INSERT INTO consumed_offsets (consumer, topic, partition, offset_) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (consumer, topic, partition) DO UPDATE SET offset_ = excluded.offset_"
)


class Ingestion:
    """Reads ``market.raw.data`` behind the offsets that are stored beside the candles, until cancelled.

    Only bars of the live market are stored; a candle that is stored with other values stays and is logged.
    """

    def __init__(self, dsn: str, bus: EventBus, clock: Clock, tally: Tally | None = None) -> None:
        self._dsn = dsn
        self._bus = bus
        self._clock = clock
        self._tally = tally or Tally()

    async def run(self) -> None:
        """Ingest until cancelled; passing faults of bus and database are waited out."""
        after = await asyncio.to_thread(self._stored_offsets)
        consumer = await self._bus.subscribe(Subscription(topics=[MARKET_RAW_DATA.name], after=after))
        saved = self._clock.monotonic()
        async with consumer:
            while True:
                try:
                    deliveries = await consumer.read(timeout=1.0)
                except RetriableError as error:
                    _log.warning("bus unreachable, ingestion waits", error=str(error))
                    await self._clock.sleep(_PAUSE)
                    continue
                bars = [bar for delivery in deliveries if (bar := await self._bar(delivery)) is not None]
                after.update({TopicPartition(one.topic, one.partition): one.offset for one in deliveries})
                if bars or (deliveries and self._clock.monotonic() - saved > _IDLE_SAVE):
                    await self._store(bars, after)
                    saved = self._clock.monotonic()

    async def _bar(self, delivery: Delivery) -> Bar | None:
        try:
            event = decode(delivery.topic, delivery.value)
        except UndecodableMessageError as error:
            await self._bus.publish([_dead_letter(delivery, str(error), self._clock.now())])
            return None
        return event if isinstance(event, Bar) and event.session == "" else None

    async def _store(self, bars: Sequence[Bar], offsets: dict[TopicPartition, int]) -> None:
        while True:
            try:
                await asyncio.to_thread(self._commit, bars, dict(offsets))
            except (RetriableError, psycopg.OperationalError) as error:
                _log.warning("database unreachable, ingestion waits", error=str(error))
                await self._clock.sleep(_PAUSE)
            else:
                self._tally.stored(bars, self._clock)
                return

    def _commit(self, bars: Sequence[Bar], offsets: dict[TopicPartition, int]) -> None:
        with connect_sync(self._dsn, application_name="millstream-ingestion") as conn, conn.transaction():
            for (instrument, timeframe), frame in frames(bars):
                result = candles.load(conn, instrument, timeframe, frame, source=SOURCE)
                if result.conflicts:
                    _log.warning(
                        "candles differ from the stored ones, kept those",
                        instrument=instrument,
                        timeframe=timeframe,
                        count=len(result.conflicts),
                    )
            with conn.cursor() as cursor:
                rows = [(CONSUMER, place.topic, place.partition, offset) for place, offset in sorted(offsets.items())]
                cursor.executemany(_SAVE, rows)

    def _stored_offsets(self) -> dict[TopicPartition, int]:
        query = "SELECT topic, partition, offset_ FROM consumed_offsets WHERE consumer = %s"
        with connect_sync(self._dsn, application_name="millstream-ingestion") as conn:
            rows = conn.execute(query, (CONSUMER,)).fetchall()
        return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}


def frames(bars: Iterable[Bar]) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Candle frames of ``bars`` by instrument and timeframe; of bars with the same open time the first counts."""

    def series(bar: Bar) -> tuple[str, str]:
        return bar.instrument, bar.timeframe

    found = []
    for key, group in groupby(sorted(bars, key=series), key=series):
        rows = {bar.open_time: bar for bar in reversed(list(group))}
        times = sorted(rows)
        values = {name: [float(getattr(rows[time], name)) for time in times] for name in candles.COLUMNS}
        index = utc_index(np.array(times, dtype=np.int64))
        found.append((key, pd.DataFrame(values, index=index, dtype="float64")))
    return found


def _dead_letter(delivery: Delivery, reason: str, now: int) -> Record:
    letter = DeadLetter(
        event_id=digest("dead", CONSUMER, delivery.topic, delivery.partition, delivery.offset),
        occurred_at=now,
        topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
        source=CONSUMER,
        reason=reason,
        payload=base64.b64encode(delivery.value).decode(),
    )
    return Record(DEAD_LETTERS.name, CONSUMER, encode(letter))
