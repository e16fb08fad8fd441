"""Stored candles: bulk load and read as DataFrames.

A candle frame is indexed by the UTC open time (``datetime64[ns, UTC]``, ascending, unique) and has the float64 columns
``open, high, low, close, volume``; ``raw_open`` … ``raw_volume`` hold the values before adjustment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import psycopg
from psycopg import sql

from ..contracts.time import iso
from ..store.partitions import ensure_partitions_sync
from .copy_format import from_copy, open_times, to_copy, utc_index
from .series import Series, get_series, series

__all__ = [
    "ALL_COLUMNS",
    "COLUMNS",
    "RAW_COLUMNS",
    "LoadResult",
    "Series",
    "describe_times",
    "get_series",
    "load",
    "read",
    "read_bytes",
    "read_last",
    "series",
]

COLUMNS = ("open", "high", "low", "close", "volume")
RAW_COLUMNS = tuple(f"raw_{column}" for column in COLUMNS)
ALL_COLUMNS = COLUMNS + RAW_COLUMNS
_VALUES = ", ".join(ALL_COLUMNS)
_STORED = ", ".join(f"c.{column}" for column in ALL_COLUMNS)
_LOADED = ", ".join(f"l.{column}" for column in ALL_COLUMNS)
_DIFFERS = f"({_STORED}) IS DISTINCT FROM ({_LOADED})"
_WHERE = "c.instrument = %(instrument)s AND c.timeframe = %(timeframe)s AND c.open_time BETWEEN %(first)s AND %(last)s"
_STAGE = (
    "CREATE TEMPORARY TABLE candle_load (open_time timestamptz NOT NULL, "
    + ", ".join(f"{column} double precision NOT NULL" for column in ALL_COLUMNS)
    + ") ON COMMIT DROP"
)
_LOCK_SERIES = (
    "INSERT INTO candle_series (instrument, timeframe, version, rows, first_open, last_open, source, changed_at)"
    " VALUES (%(instrument)s, %(timeframe)s, 0, 0, %(first)s, %(last)s, %(source)s, now())"
    " ON CONFLICT (instrument, timeframe) DO UPDATE SET source = candle_series.source"
)
_CONFLICTS = (
    f"SELECT c.open_time FROM candle_load l JOIN candles c USING (open_time) WHERE {_WHERE} AND {_DIFFERS} ORDER BY 1"  # noqa: S608 - fixed column names
)
_UPDATE = (
    f"UPDATE candles c SET ({_VALUES}) = ROW ({_LOADED})"  # noqa: S608 - fixed column names
    f" FROM candle_load l WHERE c.open_time = l.open_time AND {_WHERE} AND {_DIFFERS}"
)
_INSERT = (
    f"INSERT INTO candles (instrument, timeframe, open_time, {_VALUES})"  # noqa: S608 - fixed column names
    f" SELECT %(instrument)s, %(timeframe)s, open_time, {_VALUES} FROM candle_load ORDER BY open_time"
    " ON CONFLICT (instrument, timeframe, open_time) DO NOTHING"
)
_TOUCH = (
    "UPDATE candle_series SET version = version + 1, rows = rows + %(new)s, changed_at = now(),"
    " first_open = least(first_open, %(first)s), last_open = greatest(last_open, %(last)s)"
    " WHERE instrument = %(instrument)s AND timeframe = %(timeframe)s"
)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load did: counts of candles, and the open times (UTC) that were stored with other values before."""

    new: int
    unchanged: int
    replaced: int
    conflicts: tuple[datetime, ...]


def load(
    conn: psycopg.Connection,
    instrument: str,
    timeframe: str,
    frame: pd.DataFrame,
    *,
    source: str,
    replace: bool = False,
) -> LoadResult:
    """Store the candles of ``frame`` in the connection's transaction; without raw columns the values are the raw ones.

    Candles that are stored already stay as they are: those with other values are returned as ``conflicts``, and are
    overwritten only with ``replace``. Concurrent loads of one series wait for each other.
    """
    if frame.empty:
        return LoadResult(0, 0, 0, ())
    frame = frame.assign(**{f"raw_{name}": frame[name] for name in COLUMNS if f"raw_{name}" not in frame})
    first, last = frame.index[0].to_pydatetime(), frame.index[-1].to_pydatetime()
    values = {"instrument": instrument, "timeframe": timeframe, "first": first, "last": last, "source": source}
    with conn.transaction(), conn.cursor() as cursor:
        ensure_partitions_sync(conn, "candles", first, last)
        cursor.execute("DROP TABLE IF EXISTS pg_temp.candle_load")
        cursor.execute(_STAGE)
        with cursor.copy(f"COPY candle_load (open_time, {_VALUES}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(to_copy(frame, ALL_COLUMNS))
        cursor.execute("ANALYZE candle_load")
        cursor.execute(_LOCK_SERIES, values)
        conflicts = tuple(moment for (moment,) in cursor.execute(_CONFLICTS, values).fetchall())
        replaced = cursor.execute(_UPDATE, values).rowcount if conflicts and replace else 0
        new = cursor.execute(_INSERT, values).rowcount
        if new or replaced:
            cursor.execute(_TOUCH, values | {"new": new})
    return LoadResult(new, len(frame) - new - len(conflicts), replaced, conflicts)


def read(
    conn: psycopg.Connection,
    instrument: str,
    timeframe: str,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    columns: Sequence[str] = COLUMNS,
) -> pd.DataFrame:
    """Candles with ``start`` <= open time < ``end`` (aware; None: unbounded) as a candle frame."""
    return from_copy(read_bytes(conn, instrument, timeframe, start, end, columns=columns), columns)


def read_bytes(
    conn: psycopg.Connection,
    instrument: str,
    timeframe: str,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    columns: Sequence[str] = COLUMNS,
) -> bytes:
    """As :func:`read`, in PostgreSQL's binary COPY format."""
    bounds = [sql.SQL("instrument = {} AND timeframe = {}").format(sql.Literal(instrument), sql.Literal(timeframe))]
    if start is not None:
        bounds.append(sql.SQL("open_time >= {}").format(sql.Literal(start)))
    if end is not None:
        bounds.append(sql.SQL("open_time < {}").format(sql.Literal(end)))
    statement = sql.SQL("COPY (SELECT {} FROM candles WHERE {} ORDER BY open_time) TO STDOUT (FORMAT binary)").format(
        sql.SQL(", ").join(map(sql.Identifier, ("open_time", *columns))),
        sql.SQL(" AND ").join(bounds),
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(block) for block in copy)


def read_last(
    conn: psycopg.Connection, instrument: str, timeframe: str, rows: int, before: datetime | None = None
) -> pd.DataFrame:
    """The newest ``rows`` candles with open time < ``before`` (aware; None: the newest stored), ascending."""
    query = (
        f"SELECT open_time, {', '.join(COLUMNS)} FROM candles WHERE instrument = %s AND timeframe = %s"  # noqa: S608 - fixed column names
        " AND open_time < coalesce(%s, 'infinity'::timestamptz) ORDER BY open_time DESC LIMIT %s"
    )
    found = conn.execute(query, (instrument, timeframe, before, rows)).fetchall()[::-1]
    frame = pd.DataFrame([row[1:] for row in found], columns=list(COLUMNS), dtype="float64")
    frame.index = utc_index(pd.DatetimeIndex([row[0] for row in found], tz="UTC").as_unit("ns").asi8)
    return frame


def describe_times(frame: pd.DataFrame) -> str:
    """First and last open time of a candle frame, for people."""
    times = open_times(frame)
    return "no candles" if not len(times) else f"{iso(int(times[0]))} … {iso(int(times[-1]))}"
