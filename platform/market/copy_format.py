"""PostgreSQL's binary COPY format for candles: exact and as fast as memory, in both directions.

A row is a timestamp and float columns, none of them null, so every row has the same length and a structured NumPy array
*is* the wire format (PostgreSQL documentation, COPY, "Binary Format").
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ..contracts.errors import IntegrityError

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_EPOCH_US = 946_684_800_000_000  # 2000-01-01, PostgreSQL's epoch, in µs since 1970
_NS_PER_US = 1000


@cache
def row_type(columns: tuple[str, ...]) -> np.dtype[Any]:
    """Layout of one row: field count, then length and value of the open time and of each float column."""
    fields: list[tuple[str, str]] = [("fields", ">i2"), ("open_time_length", ">i4"), ("open_time", ">i8")]
    for column in columns:
        fields += [(f"{column}_length", ">i4"), (column, ">f8")]
    return np.dtype(fields)


def to_copy(frame: pd.DataFrame, columns: Sequence[str]) -> bytes:
    """Bytes for ``COPY … FROM STDIN (FORMAT binary)`` of the frame's UTC index (``datetime64[ns]``) and ``columns``."""
    names = tuple(columns)
    rows = np.zeros(len(frame), dtype=row_type(names))
    rows["fields"] = len(names) + 1
    rows["open_time_length"] = 8
    rows["open_time"] = open_times(frame) // _NS_PER_US - _EPOCH_US
    for name in names:
        rows[f"{name}_length"] = 8
        rows[name] = frame[name].to_numpy(dtype=np.float64)
    return SIGNATURE + rows.tobytes() + TRAILER


def from_copy(data: bytes, columns: Sequence[str]) -> pd.DataFrame:
    """Frame of what ``COPY (SELECT open_time, …) TO STDOUT (FORMAT binary)`` delivered."""
    names = tuple(columns)
    layout = row_type(names)
    body = len(data) - len(SIGNATURE) - len(TRAILER)
    if not data.startswith(SIGNATURE) or not data.endswith(TRAILER) or body % layout.itemsize:
        raise IntegrityError(
            "COPY delivered something else than candles", hint="Report this with the server's version."
        )
    rows = np.frombuffer(data, dtype=layout, count=body // layout.itemsize, offset=len(SIGNATURE))
    times = (rows["open_time"].astype(np.int64) + _EPOCH_US) * _NS_PER_US
    values = {name: rows[name].astype(np.float64) for name in names}
    return pd.DataFrame(values, index=utc_index(times))


def utc_index(times: "np.ndarray[Any, np.dtype[np.int64]]") -> pd.DatetimeIndex:
    """Index of UTC times given in ns since the epoch."""
    return pd.DatetimeIndex(times.astype("datetime64[ns]"), tz="UTC", name="open_time")


def open_times(frame: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The frame's index in ns since the epoch, whatever unit it is kept in."""
    index = pd.DatetimeIndex(frame.index).as_unit("ns")
    return index.asi8
