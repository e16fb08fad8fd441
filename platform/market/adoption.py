"""Instruments that are registered while feeds run: taken up by the feed that can serve them, with past candles."""

import asyncio
from collections.abc import Sequence

import psycopg
import structlog

from ..bus.base import EventBus, StartAt, Subscription
from ..contracts.clock import Clock
from ..contracts.errors import RetriableError
from ..contracts.instrument import Instrument
from ..contracts.topics import INSTRUMENT_REGISTERED
from ..store.database import connect_sync
from . import candles, instruments, sessions
from .feeds.base import Feed

_PAUSE = 1.0
_LOOK_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Adoption:
    """Has the live ones of ``feeds`` adopt what is registered, until cancelled.

    The table of instruments is the truth; ``instrument.registered`` prompts a look at once, else there is one every
    five seconds.
    """

    def __init__(self, dsn: str, bus: EventBus, clock: Clock, feeds: Sequence[Feed]) -> None:
        self._dsn = dsn
        self._bus = bus
        self._clock = clock
        self._feeds = [feed for feed in feeds if feed.session == sessions.LIVE]
        self._pending: set[str] = set()

    async def run(self) -> None:
        """Adopt until cancelled; passing faults of bus and database are waited out."""
        while self._feeds:
            try:
                await self._listen()
            except (RetriableError, psycopg.OperationalError) as error:
                _log.warning("registered instruments are looked at again soon", error=str(error))
                await self._clock.sleep(_PAUSE)

    async def _listen(self) -> None:
        wanted = Subscription(topics=[INSTRUMENT_REGISTERED.name], start_at=StartAt.LATEST)
        async with await self._bus.subscribe(wanted) as consumer:
            while True:
                await self._look()
                await consumer.read(timeout=_LOOK_SECONDS)

    async def _look(self) -> None:
        registered = await asyncio.to_thread(self._registered)
        self._pending.update(adopt(self._feeds, registered))
        if self._pending:
            await asyncio.to_thread(self._fill, frozenset(self._pending))
            _log.info("instruments adopted", instruments=sorted(self._pending))
            self._pending.clear()

    def _registered(self) -> list[Instrument]:
        with connect_sync(self._dsn, application_name="millstream-market") as conn:
            return instruments.list_instruments(conn)

    def _fill(self, keys: frozenset[str]) -> None:
        """Store the candles from before the feed took ``keys`` up, and have the live session carry them."""
        with connect_sync(self._dsn, application_name="millstream-market") as conn:
            for feed in self._feeds:
                for key, frame in feed.backfill(None, self._clock.now()).items():
                    if key in keys:
                        candles.load(conn, key, feed.timeframe, frame, source=type(feed).__name__)
            open_live(conn, self._feeds)


def adopt(feeds: Sequence[Feed], registered: Sequence[Instrument]) -> set[str]:
    """Have the live ones of ``feeds`` adopt what they can; the keys that one of them newly carries."""
    taken = set()
    for feed in feeds:
        for one in registered:
            if feed.session == sessions.LIVE and one.key not in feed.instruments and feed.adopt(one):
                taken.add(one.key)
    return taken


def open_live(conn: psycopg.Connection, feeds: Sequence[Feed]) -> None:
    """Mark the live market as running with all that its ``feeds`` carry."""
    keys = sorted({key for feed in feeds for key in feed.instruments})
    sessions.open_live(conn, keys, feeds[0].timeframe)
