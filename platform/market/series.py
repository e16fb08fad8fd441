"""What is stored, without the candles themselves: light enough for a command that only lists it."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from ..contracts.errors import NotFoundError
from ..contracts.time import timeframe_ns


@dataclass(frozen=True, slots=True)
class Series:
    """What is stored of one instrument and timeframe; ``version`` grows with every change."""

    instrument: str
    timeframe: str
    version: int
    rows: int
    first_open: datetime
    last_open: datetime
    source: str


def series(conn: psycopg.Connection) -> list[Series]:
    """Everything that is stored, by instrument and timeframe."""
    query = "SELECT instrument, timeframe, version, rows, first_open, last_open, source FROM candle_series"
    return [Series(*row) for row in conn.execute(f"{query} WHERE rows > 0 ORDER BY 1, 2").fetchall()]


def get_series(conn: psycopg.Connection, instrument: str, timeframe: str) -> Series:
    """What is stored of ``instrument`` and ``timeframe``. Raises :class:`NotFoundError` naming what there is."""
    timeframe_ns(timeframe)
    stored = [one for one in series(conn) if one.instrument == instrument]
    for one in stored:
        if one.timeframe == timeframe:
            return one
    known = ", ".join(one.timeframe for one in stored)
    hint = f"Stored timeframes of it: {known}." if known else "`millstream data import` stores candles."
    raise NotFoundError(f"there are no {timeframe} candles of {instrument}", hint=hint)
