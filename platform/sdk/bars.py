"""Frames of bars as strategies see them, in research and live alike.

Index: *open* times of the bars, UTC, nanoseconds, oldest first. One instrument: columns open, high, low, close, volume.
Several: columns (field, symbol), so that ``bars.close`` is a frame with one column an instrument; a row exists where at
least one instrument has a bar, the others are NaN there.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from ..contracts.errors import InputError
from ..contracts.events import Bar
from ..contracts.money import decimal

FIELDS = ("open", "high", "low", "close", "volume")
_FIRST_CAPACITY = 1024


def columns(labels: Sequence[str]) -> pd.Index:
    """Columns of a frame of these instruments."""
    if len(labels) == 1:
        return pd.Index(FIELDS)
    return pd.MultiIndex.from_product([FIELDS, labels], names=["field", "symbol"])


def combine(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One frame of several instruments' candles (columns of ``FIELDS``, UTC open times), by column label.

    Raises :class:`InputError` for an index without time zone, out of order or with duplicates.
    """
    labels = tuple(frames)
    clean = [_checked(frame, label) for label, frame in frames.items()]
    if len(clean) == 1:
        return clean[0]
    joined = pd.concat(clean, axis=1, keys=labels, join="outer", sort=True).swaplevel(axis=1)
    return joined.reindex(columns=columns(labels))


def _checked(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    missing = [name for name in FIELDS if name not in frame.columns]
    index = frame.index
    if missing:
        raise InputError(
            f"The candles of {label} have no column {missing[0]!r}", hint=f"They need {', '.join(FIELDS)} (lower case)."
        )
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise InputError(
            f"The candles of {label} have no index of times with a time zone",
            hint="Set one: pd.to_datetime(…, utc=True) of the bars' open times.",
        )
    if not (index.is_monotonic_increasing and index.is_unique):
        raise InputError(
            f"The candles of {label} are not in order of time", hint="Sort them and drop duplicates first."
        )
    result = frame.loc[:, list(FIELDS)].astype("float64")
    result.index = index.tz_convert("UTC").as_unit("ns").rename(None)
    return result


class Prices(TypedDict):
    """The numbers of a bar event."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def prices(row: Sequence[float]) -> Prices:
    """A candle's floats in the order of ``FIELDS`` as exact decimals of their shortest texts."""
    opened, high, low, close, volume = (decimal(float(value)) for value in row)
    return Prices(open=opened, high=high, low=low, close=close, volume=volume)


class BarFrame:
    """A growing frame: appending a bar and looking at it costs a few microseconds a row, whatever its length.

    Frames share the buffers (read-only), so a frame taken earlier keeps its values. Only the newest ``limit`` rows are
    shown; ``offset`` counts the rows before them.
    """

    def __init__(self, instruments: Sequence[str], labels: Sequence[str], *, limit: int) -> None:
        self._column = {instrument: number for number, instrument in enumerate(instruments)}
        self._columns = columns(labels)
        self._limit = limit
        self._times = np.empty(_FIRST_CAPACITY, dtype="int64")
        self._values = np.full((len(FIELDS) * len(instruments), _FIRST_CAPACITY), np.nan)
        self._length = 0
        self._dropped = 0

    def __len__(self) -> int:
        """Rows shown."""
        return min(self._length, self._limit)

    @property
    def rows(self) -> int:
        """Rows ever appended: the number of the next one."""
        return self._dropped + self._length

    @property
    def offset(self) -> int:
        """Number of the first row shown."""
        return self.rows - len(self)

    def append(self, open_time: int, bars: Sequence[Bar]) -> int:
        """Add the row of ``open_time`` (UTC ns); its number. Raises ``ValueError`` unless it is the newest."""
        if self._length and open_time <= self._times[self._length - 1]:
            msg = f"row {open_time} is not newer than {self._times[self._length - 1]}"
            raise ValueError(msg)
        if self._length == len(self._times):
            self._make_room()
        row, width = self._length, len(self._column)
        self._times[row] = open_time
        for bar in bars:
            column = self._column[bar.instrument]
            for number, value in enumerate((bar.open, bar.high, bar.low, bar.close, bar.volume)):
                self._values[number * width + column, row] = float(value)
        self._length += 1
        return self.rows - 1

    def frame(self) -> pd.DataFrame:
        """The newest rows, without copying them."""
        shown = slice(self._length - len(self), self._length)
        values = self._values[:, shown].T
        values.flags.writeable = False
        index = pd.DatetimeIndex(self._times[shown].view("M8[ns]"), tz="UTC", copy=False)
        return pd.DataFrame(values, index=index, columns=self._columns, copy=False)

    def _make_room(self) -> None:
        """Larger buffers, or the same size without the rows beyond the limit; old buffers stay as frames saw them."""
        kept = len(self)
        capacity = max(_FIRST_CAPACITY, 2 * kept)
        self._times = _moved(self._times, self._length, kept, capacity)
        self._values = _moved(self._values, self._length, kept, capacity)
        self._dropped += self._length - kept
        self._length = kept


def _moved(buffer: np.ndarray[Any, Any], length: int, kept: int, capacity: int) -> np.ndarray[Any, Any]:
    fresh = np.empty((*buffer.shape[:-1], capacity), dtype=buffer.dtype)
    if buffer.dtype == np.float64:
        fresh.fill(np.nan)
    fresh[..., :kept] = buffer[..., length - kept : length]
    return fresh
