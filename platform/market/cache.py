"""Candles for research: read once through ``COPY``, kept as Parquet until an import changes them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import psycopg
import pyarrow as pa

from ..contracts.ids import digest, random_id
from . import candles
from .candles import Series, get_series

_IDENTITY = (
    "SELECT (SELECT system_identifier::text FROM pg_control_system()), oid::text FROM pg_database"
    " WHERE datname = current_database()"
)


class CandleCache:
    """Parquet copies of whole series below ``folder``; safe to share between processes, and to delete at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def frame(
        self,
        conn: psycopg.Connection,
        instrument: str,
        timeframe: str,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pd.DataFrame:
        """Candle frame with ``start`` <= open time < ``end`` (aware). Raises :class:`NotFoundError`."""
        stored = get_series(conn, instrument, timeframe)
        file = self._file(conn, stored)
        frame = _read(file)
        if frame is None:
            frame = candles.read(conn, instrument, timeframe)
            if len(frame) == stored.rows:
                _write(frame, file)
        return _window(frame, start, end)

    def _file(self, conn: psycopg.Connection, stored: Series) -> Path:
        row = conn.execute(_IDENTITY).fetchone() or ("", "")
        name = quote(f"{stored.instrument} {stored.timeframe}", safe="")
        version = digest(*row, stored.version, stored.rows, stored.last_open.isoformat())[:16]
        return self._folder / f"{name}.{version}.parquet"


def data_snapshot_id(
    conn: psycopg.Connection,
    instruments: Sequence[str],
    timeframe: str,
    start: datetime | None = None,
    end: datetime | None = None,
) -> str:
    """32 hexadecimal characters that stand for exactly these candles: SHA-256 over times and values."""
    content = hashlib.sha256(timeframe.encode())
    for instrument in sorted(set(instruments)):
        content.update(b"\0" + instrument.encode() + b"\0")
        content.update(candles.read_bytes(conn, instrument, timeframe, start, end))
    return content.hexdigest()[:32]


def _read(file: Path) -> pd.DataFrame | None:
    """The frame in ``file``; None when there is none, or when it is damaged and has to be made again."""
    try:
        frame: pd.DataFrame = pd.read_parquet(file)
    except (FileNotFoundError, pa.ArrowInvalid, OSError):
        return None
    return frame


def _write(frame: pd.DataFrame, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{random_id()}.tmp")
    try:
        frame.to_parquet(draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    series = file.name.split(".")[0]
    for old in file.parent.glob(f"{series}.*.parquet"):
        if old != file:
            old.unlink(missing_ok=True)


def _window(frame: pd.DataFrame, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    first = 0 if start is None else int(frame.index.searchsorted(pd.Timestamp(start)))
    last = len(frame) if end is None else int(frame.index.searchsorted(pd.Timestamp(end)))
    return frame.iloc[first:last]
