"""Stored candles as the bars that a strategy's frame begins with."""

from typing import Any

from ..contracts.events import Bar
from ..contracts.money import decimal
from ..contracts.time import from_datetime, timeframe_ns, to_datetime
from ..sdk.host import HISTORY_LIMIT
from .database import Connection, Database

_QUERY = (
    "SELECT open_time, open, high, low, close, volume FROM candles"
    " WHERE instrument = %s AND timeframe = %s AND open_time <= %s ORDER BY open_time DESC LIMIT %s"
)


async def bars_until(
    database: Database, instruments: tuple[str, ...], timeframe: str, session: str, ts: int
) -> list[Bar]:
    """All stored bars that closed at or before ``ts`` (UTC ns), oldest first: no look-ahead at ``ts``."""
    length = timeframe_ns(timeframe)
    newest = to_datetime(ts - length)

    async def work(conn: Connection) -> list[tuple[str, tuple[Any, ...]]]:
        found = []
        for instrument in instruments:
            rows = await conn.execute(_QUERY, (instrument, timeframe, newest, HISTORY_LIMIT))
            found += [(instrument, row) for row in await rows.fetchall()]
        return found

    bars = [_bar(instrument, timeframe, session, length, row) for instrument, row in await database.run(work)]
    return sorted(bars, key=lambda bar: (bar.ts, instruments.index(bar.instrument)))


def _bar(instrument: str, timeframe: str, session: str, length: int, row: tuple[Any, ...]) -> Bar:
    open_time = from_datetime(row[0])
    open_, high, low, close, volume = (decimal(value) for value in row[1:])
    return Bar(
        event_id=f"candle/{instrument}/{timeframe}/{open_time}",
        occurred_at=open_time + length,
        instrument=instrument,
        ts=open_time + length,
        session=session,
        timeframe=timeframe,
        open_time=open_time,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
    )
