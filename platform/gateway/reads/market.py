"""Instruments, candles, market sessions and marks."""

from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from ...contracts.api.base import Page
from ...contracts.api.market import Candle, Instrument, Mark, Session
from ...contracts.time import to_datetime
from ...market import instruments
from ...market.series import get_series
from ..context import Connection
from ..pagination import keys_of, page

Row = dict[str, Any]
_INSTRUMENTS = """
SELECT i.*, p.price, p.ts AS price_ts,
       coalesce((SELECT array_agg(c.timeframe ORDER BY c.timeframe) FROM candle_series c
                 WHERE c.instrument = i.key AND c.rows > 0), '{}') AS timeframes,
       coalesce((SELECT array_agg(m.session_id ORDER BY m.session_id) FROM market_sessions m
                 WHERE m.state IN ('created', 'running') AND i.key = ANY (m.instruments)), '{}') AS sessions
FROM instruments i LEFT JOIN LATERAL
     (SELECT price, ts FROM marks WHERE instrument = i.key ORDER BY received_at DESC LIMIT 1) p ON true
"""
_SESSIONS = """
SELECT session_id, kind, state, timeframe, instruments, speed, created_at,
       CASE WHEN position > 0 THEN position
            ELSE (SELECT max(ts) FROM marks k WHERE k.session = market_sessions.session_id) END AS position
FROM market_sessions
"""
_CANDLES = "SELECT open_time AS time, open, high, low, close, volume FROM candles"
_MARKS = "SELECT session, instrument, price, bid, ask, ts FROM marks"


def list_instruments(conn: Connection, *, exchange: str, limit: int, cursor: str) -> Page[Instrument]:
    """Registered instruments by key; ``exchange`` empty: of all."""
    after = keys_of(cursor, tuple[str])
    rows = _rows(
        conn,
        f"{_INSTRUMENTS} WHERE i.key > %(after)s AND (%(exchange)s = '' OR i.exchange = %(exchange)s)"
        " ORDER BY i.key LIMIT %(limit)s",
        {"after": after[0] if after else "", "exchange": exchange.upper(), "limit": limit + 1},
    )
    return page(rows, limit, lambda row: (row["key"],), _instrument)


def get_instrument(conn: Connection, key: str) -> Instrument:
    """One instrument. Raises :class:`NotFoundError` with near matches."""
    rows = _rows(conn, f"{_INSTRUMENTS} WHERE i.key = %(key)s", {"key": key})
    if not rows:
        instruments.get(conn, key)
    return _instrument(rows[0])


def list_candles(
    conn: Connection,
    series: tuple[str, str],
    *,
    start: datetime | None,
    end: datetime | None,
    limit: int,
    cursor: str,
) -> Page[Candle]:
    """Candles of an instrument and timeframe, ``start`` <= open time < ``end``, oldest first.

    Without ``start`` and cursor these are the newest ``limit`` before ``end``, and no page follows.
    """
    instruments.get(conn, series[0])
    get_series(conn, *series)
    after = keys_of(cursor, tuple[datetime])
    names = {"instrument": series[0], "timeframe": series[1], "end": end, "limit": limit + 1}
    bounds = (
        "WHERE instrument = %(instrument)s AND timeframe = %(timeframe)s"
        " AND open_time < coalesce(%(end)s::timestamptz, 'infinity')"
    )
    if start is None and after is None:
        newest = _rows(conn, f"{_CANDLES} {bounds} ORDER BY open_time DESC LIMIT %(limit)s", names | {"limit": limit})
        return Page[Candle](items=tuple(Candle(**row) for row in reversed(newest)))
    # A cursor names the last candle given, a start the first one wanted.
    begin = "open_time > %(from)s" if after else "open_time >= %(from)s"
    rows = _rows(
        conn,
        f"{_CANDLES} {bounds} AND {begin} ORDER BY open_time LIMIT %(limit)s",
        names | {"from": after[0] if after else start},
    )
    return page(rows, limit, lambda row: (row["time"],), lambda row: Candle(**row))


def list_sessions(conn: Connection, *, limit: int, cursor: str) -> Page[Session]:
    """Market sessions, the newest first."""
    after = keys_of(cursor, tuple[datetime, str])
    rows = _rows(
        conn,
        f"{_SESSIONS} WHERE %(first)s OR (created_at, session_id) < (%(at)s::timestamptz, %(id)s)"
        " ORDER BY created_at DESC, session_id DESC LIMIT %(limit)s",
        {
            "first": after is None,
            "at": after[0] if after else None,
            "id": after[1] if after else "",
            "limit": limit + 1,
        },
    )
    return page(rows, limit, lambda row: (row["created_at"], row["session_id"]), _session)


def list_marks(conn: Connection, *, session: str | None, limit: int, cursor: str) -> Page[Mark]:
    """Newest prices by session and instrument; ``session`` None: of all."""
    after = keys_of(cursor, tuple[str, str])
    rows = _rows(
        conn,
        f"{_MARKS} WHERE (session, instrument) > (%(after)s, %(instrument)s)"
        " AND (%(session)s::text IS NULL OR session = %(session)s)"
        " ORDER BY session, instrument LIMIT %(limit)s",
        {
            "after": after[0] if after else "",
            "instrument": after[1] if after else "",
            "session": session,
            "limit": limit + 1,
        },
    )
    return page(rows, limit, lambda row: (row["session"], row["instrument"]), _mark)


def _rows(conn: Connection, query: str, values: Row) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def _instrument(row: Row) -> Instrument:
    seen = row["price_ts"]
    return Instrument(**row, price_at=None if seen is None else to_datetime(seen))


def _session(row: Row) -> Session:
    position = row["position"]
    return Session(**row | {"session": row["session_id"], "position": to_datetime(position) if position else None})


def _mark(row: Row) -> Mark:
    return Mark(**row, time=to_datetime(row["ts"]))
