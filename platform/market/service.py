"""The market service: feeds, ingestion and the retention of the bus in one process."""

import asyncio
from collections.abc import Sequence

import psycopg
import structlog

from ..bus.base import EventBus
from ..contracts.clock import Clock
from ..contracts.errors import InputError, NotFoundError, RetriableError
from ..contracts.time import from_datetime
from ..contracts.topics import TOPICS
from ..store.database import connect_sync
from . import candles, instruments, sessions
from .adoption import Adoption, adopt, open_live
from .feeds import replay, simulated  # registers these feeds
from .feeds.base import Feed, FeedContext, bus_publisher, create_feed, persistent
from .ingestion import Ingestion
from .tally import Tally

FEEDS = (replay, simulated)
_PAUSE = 1.0
_TRIM_EVERY = 60.0
_log = structlog.get_logger(__name__)


def parse_feed(text: str, dsn: str, clock: Clock) -> Feed:
    """The feed that ``name[:option=value,option=value]`` describes. Raises :class:`InputError`."""
    name, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    for option, equals, _ in pairs:
        if not equals:
            raise InputError(f"{option!r} in feed {text!r} has no value", hint="Write name:option=value,option=value.")
    return create_feed(name, FeedContext(dsn, clock, {option: value for option, _, value in pairs}))


class MarketService:
    """Runs ``feeds`` and ingests the live market until cancelled. The bus has to be open."""

    def __init__(self, dsn: str, bus: EventBus, clock: Clock, feeds: Sequence[Feed]) -> None:
        self._dsn = dsn
        self._bus = bus
        self._clock = clock
        self._feeds = feeds
        self.tally = Tally()

    async def run(self) -> None:
        """Prepare, then serve until cancelled; the live session is marked as ended on the way out."""
        await self._bus.create_topics(TOPICS.values())
        await asyncio.to_thread(self._prepare)
        definitions = [instrument for feed in self._feeds for instrument in feed.definitions()]
        await instruments.announce(self._bus, self._clock, definitions)
        _log.info("market service ready", instruments=[instrument.key for instrument in definitions])
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(Ingestion(self._dsn, self._bus, self._clock, self.tally).run())
                tasks.create_task(self._keep_trimming())
                tasks.create_task(Adoption(self._dsn, self._bus, self._clock, self._feeds).run())
                for feed in self._feeds:
                    tasks.create_task(self._keep_running(feed))
        finally:
            await asyncio.shield(asyncio.to_thread(self._close))

    async def _keep_running(self, feed: Feed) -> None:
        publish = self.tally.counting(persistent(bus_publisher(self._bus), self._clock), feed.session)
        while True:
            try:
                await feed.run(publish)
            except RetriableError as error:
                _log.warning("feed interrupted, starting it again", feed=type(feed).__name__, error=str(error))
                await self._clock.sleep(_PAUSE)
            else:
                _log.info("feed ended", feed=type(feed).__name__, session=feed.session)
                return

    async def _keep_trimming(self) -> None:
        while True:
            await self._clock.sleep(_TRIM_EVERY)
            try:
                await self._bus.trim(TOPICS.values())
            except RetriableError as error:
                _log.warning("retention was not applied", error=str(error))

    @property
    def _live(self) -> list[Feed]:
        return [feed for feed in self._feeds if feed.session == sessions.LIVE]

    def _prepare(self) -> None:
        """Register what the feeds define, fill in the candles up to now, open the live session."""
        with connect_sync(self._dsn, application_name="millstream-market") as conn:
            for feed in self._feeds:
                with conn.transaction():
                    for instrument in feed.definitions():
                        instruments.register(conn, instrument)
                adopt([feed], instruments.list_instruments(conn))
                for key, frame in feed.backfill(self._last_open(conn, feed), self._clock.now()).items():
                    candles.load(conn, key, feed.timeframe, frame, source=type(feed).__name__)
            if self._live:
                open_live(conn, self._live)

    def _last_open(self, conn: psycopg.Connection, feed: Feed) -> int | None:
        """Open time (UTC ns) up to which every instrument of the feed has candles; None when one has none."""
        try:
            stored = [candles.get_series(conn, key, feed.timeframe) for key in feed.instruments]
        except NotFoundError:
            return None
        return min(from_datetime(one.last_open) for one in stored)

    def _close(self) -> None:
        if not self._live:
            return
        with connect_sync(self._dsn, application_name="millstream-market") as conn:
            sessions.finish_session(conn, sessions.LIVE)
