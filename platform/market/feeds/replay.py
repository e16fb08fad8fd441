"""Stored candles as a live stream, at a chosen speed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ...contracts.clock import Clock
from ...contracts.errors import ConfigurationError, InputError
from ...contracts.time import SECOND
from ...store.database import connect, connect_sync
from ..sessions import MarketSession, SessionState, finish_session, get_session
from .base import Feed, FeedContext, Publish, check_options, number_option, register_feed
from .slices import Stamp, Tape, load_tape

Progress = Callable[[int, int, int], None]
_POSITION = "UPDATE market_sessions SET position = %s, state = 'running', message = '' WHERE session_id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast slices follow each other; both 0: as fast as possible.

    ``bars_per_second``: slices a second. ``real_time``: multiple of the market's own speed, its pauses included.
    """

    bars_per_second: float = 0.0
    real_time: float = 0.0

    def __post_init__(self) -> None:
        if min(self.bars_per_second, self.real_time) < 0 or (self.bars_per_second and self.real_time):
            raise InputError(
                "a replay has one speed, not negative", hint="Give bars a second or a multiple of real time."
            )

    def due(self, index: int, market_ns: int) -> int:
        """Ns after the start at which a slice is due: ``index`` slices and ``market_ns`` behind the first one."""
        if self.bars_per_second:
            return round(index / self.bars_per_second * SECOND)
        return round(market_ns / self.real_time) if self.real_time else 0


class ReplayFeed(Feed):
    """Plays the stored candles of a session and ends it with ``SessionEnded``; a failed one goes on at its position.

    ``progress(slice, slices, ts)`` is called after each slice (``ts``: its close, UTC ns).
    """

    def __init__(
        self,
        dsn: str,
        session: MarketSession,
        clock: Clock,
        *,
        pace: Pace | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.session = session.session_id
        self.instruments = tuple(session.instruments)
        self.timeframe = session.timeframe
        self._dsn = dsn
        self._clock = clock
        self._pace = Pace(bars_per_second=session.speed) if pace is None else pace
        self._window = (start, end)
        self._progress = progress

    async def run(self, publish: Publish) -> None:
        tape, position = await asyncio.to_thread(prepare, self._dsn, self.session, self._window)
        stamp = Stamp(self.session, self.timeframe, self._clock)
        async with recorded(self._dsn, self.session) as conn:
            begun, first = self._clock.monotonic(), tape.first_slice(position)
            for index in tape.indexes(position):
                ts = int(tape.closes[index])
                await self._until(begun + self._pace.due(index - first, ts - int(tape.closes[first])))
                await publish(tape.bars(index, stamp) + tape.watermarks(index, stamp, {}))
                await conn.execute(_POSITION, (ts, self.session))
                if self._progress is not None:
                    self._progress(index + 1, len(tape), ts)
            await publish(tape.end(stamp))

    async def _until(self, moment: int) -> None:
        left = moment - self._clock.monotonic()
        if left > 0:
            await self._clock.sleep(left / SECOND)


def prepare(dsn: str, session_id: str, window: tuple[datetime | None, datetime | None]) -> tuple[Tape, int]:
    """The tape of a session and the position (UTC ns) where it goes on."""
    with connect_sync(dsn, application_name="millstream-replay") as conn:
        session = get_session(conn, session_id)
        return load_tape(conn, session.instruments, session.timeframe, *window), session.position


@contextlib.asynccontextmanager
async def recorded(dsn: str, session_id: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection (autocommit) for a replay; how its block ends is recorded as the session's state.

    The position is a hint for a resumed replay, so its commits do not wait for the disk.
    """
    conn = await connect(dsn, application_name="millstream-replay", autocommit=True)
    try:
        await conn.execute("SET synchronous_commit = off")
        yield conn
    except BaseException as error:
        message = "interrupted" if isinstance(error, asyncio.CancelledError) else str(error)
        await asyncio.shield(asyncio.to_thread(_finish, dsn, session_id, SessionState.FAILED, message))
        raise
    else:
        await asyncio.to_thread(_finish, dsn, session_id, SessionState.COMPLETED, "")
    finally:
        await conn.close()


def _finish(dsn: str, session_id: str, state: SessionState, message: str) -> None:
    with connect_sync(dsn, application_name="millstream-replay") as conn:
        finish_session(conn, session_id, state, message)


@register_feed("replay")
def _from_options(context: FeedContext) -> Feed:
    """``replay:session=ID[,speed=BARS_PER_SECOND | real_time=FACTOR]``."""
    options = context.options
    check_options("replay", options, ("session", "speed", "real_time"))
    if "session" not in options:
        raise ConfigurationError("feed 'replay' needs a session", hint="Write replay:session=ID.")
    with connect_sync(context.dsn) as conn:
        session = get_session(conn, options["session"])
    pace = Pace(
        bars_per_second=number_option("replay", options, "speed", 0.0),
        real_time=number_option("replay", options, "real_time", 0.0),
    )
    return ReplayFeed(context.dsn, session, context.clock, pace=pace if options.keys() - {"session"} else None)
