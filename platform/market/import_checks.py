"""Pure checks of candles before they are stored: which rows are bad, repeated or missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from ..contracts.errors import InputError
from ..contracts.time import iso, timeframe_ns
from .candles import COLUMNS
from .copy_format import utc_index
from .import_report import BadRow, Duplicate, Fault, Gap
from .import_timestamps import NOT_A_TIME

PRICES = ("open", "high", "low", "close")
MOST_DECIMALS = 10
_OWN_GRID = 0.9
Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Checked:
    """``frame``: the valid rows as a candle frame; the rest says what was left out or is missing."""

    frame: pd.DataFrame
    bad_rows: tuple[BadRow, ...]
    duplicates: tuple[Duplicate, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]


def check(times: Ints, values: pd.DataFrame, timeframe: str) -> Checked:
    """Sort the good rows from the bad ones. ``times``: UTC ns per row; ``values``: float columns, one row each.

    Raises :class:`InputError` when most rows are off the timeframe's grid: then the timeframe is wrong, not the rows.
    """
    step = timeframe_ns(timeframe)
    origin, notes = _grid_origin(times, step)
    bad = list(_bad_rows(times, values, step, origin))
    bad_rows = tuple(sorted(bad, key=lambda row: row.row))
    _refuse_wrong_timeframe(times, bad_rows, timeframe)
    good = np.ones(len(times), dtype=bool)
    good[[row.row - 1 for row in bad_rows]] = False
    rows = np.flatnonzero(good)
    order = rows[np.argsort(times[rows], kind="stable")]
    if not np.array_equal(order, rows):
        notes = (*notes, "rows are not in the order of time; sorted")
    kept, duplicates = _without_duplicates(times, values, order)
    gaps = tuple(_gaps(times, kept, step))
    frame = values.iloc[kept].set_axis(utc_index(times[kept]))
    return Checked(frame, bad_rows, duplicates, gaps, notes + _sparse(times[kept], step, timeframe))


def price_tick(frame: pd.DataFrame) -> Decimal:
    """Smallest power of ten that every price of the frame is a multiple of, not finer than 1e-10."""
    prices = np.unique(frame[list(PRICES)].to_numpy())
    for decimals in range(MOST_DECIMALS):
        if np.array_equal(np.round(prices, decimals), prices):
            return Decimal(1).scaleb(-decimals)
    return Decimal(1).scaleb(-MOST_DECIMALS)


def _grid_origin(times: Ints, step: int) -> tuple[int, tuple[str, ...]]:
    """Where the grid begins within a step: 0 (UTC midnight), unless nearly all rows share another offset."""
    known = times[times != NOT_A_TIME]
    if not len(known):
        return 0, ()
    offsets, counts = np.unique(known % step, return_counts=True)
    common = int(np.argmax(counts))
    if offsets[common] == 0 or counts[common] < _OWN_GRID * len(known) or len(known) == 1:
        return 0, ()
    hours = int(offsets[common]) / timeframe_ns("1h")
    return int(offsets[common]), (f"candles open {hours:g} h after the UTC grid of the timeframe",)


def _bad_rows(times: Ints, values: pd.DataFrame, step: int, origin: int) -> Iterator[BadRow]:
    open_, high, low, close, volume = (values[name].to_numpy() for name in COLUMNS)
    left = np.ones(len(times), dtype=bool)
    timeless = times == NOT_A_TIME
    on_grid = (times - origin) % step == 0
    finite = np.isfinite(values[list(COLUMNS)].to_numpy()).all(axis=1)
    with np.errstate(invalid="ignore"):
        checks: list[tuple[Fault, Bools, str]] = [
            (
                Fault.NOT_A_TIME,
                timeless,
                "the timestamp is missing or no time (or an hour that a clock change repeats)",
            ),
            (Fault.OFF_GRID, ~on_grid, "the timestamp is not an open time of the timeframe"),
            (Fault.NOT_FINITE, ~finite, "a price or the volume is missing, no number or infinite"),
            (Fault.NON_POSITIVE_PRICE, np.minimum(low, np.minimum(open_, close)) <= 0, "a price is zero or negative"),
            (Fault.HIGH_BELOW_LOW, high < low, "high is below low"),
            (
                Fault.OUTSIDE_RANGE,
                _outside(open_, high, low) | _outside(close, high, low),
                "open or close is outside low … high",
            ),
            (Fault.NEGATIVE_VOLUME, volume < 0, "the volume is negative"),
        ]
    for fault, mask, message in checks:
        for index in np.flatnonzero(mask & left):
            yield BadRow(row=int(index) + 1, fault=fault, message=_message(message, times[index], values.iloc[index]))
        left &= ~mask


def _outside(price: Any, high: Any, low: Any) -> Bools:
    result: Bools = (price > high) | (price < low)
    return result


def _message(message: str, time: int, row: pd.Series) -> str:
    moment = "" if time == NOT_A_TIME else f"{iso(int(time))}: "
    return f"{moment}{message} ({', '.join(f'{name} {row[name]:g}' for name in COLUMNS)})"


def _refuse_wrong_timeframe(times: Ints, bad_rows: tuple[BadRow, ...], timeframe: str) -> None:
    off_grid = sum(row.fault is Fault.OFF_GRID for row in bad_rows)
    if off_grid * 2 <= len(times):
        return
    steps, counts = np.unique(np.diff(np.unique(times)), return_counts=True)
    usual = f" Most rows are {int(steps[np.argmax(counts)]) / 1e9:g} s apart." if len(steps) else ""
    raise InputError(
        f"{off_grid} of {len(times)} rows are off the grid of {timeframe}: this is not {timeframe} data.{usual}",
        hint="Name the file's own timeframe (--timeframe), or its time zone (--timezone) when times have none.",
    )


def _without_duplicates(times: Ints, values: pd.DataFrame, order: Ints) -> tuple[Ints, tuple[Duplicate, ...]]:
    moments = times[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = moments[1:] != moments[:-1]
    kept = order[first]
    numbers = values[list(COLUMNS)].to_numpy()
    owner = kept[np.cumsum(first) - 1] if len(order) else order
    found = [
        Duplicate(
            row=int(row) + 1,
            first_row=int(original) + 1,
            open_time=int(times[row]),
            same=bool(np.array_equal(numbers[row], numbers[original])),
        )
        for row, original in zip(order[~first], owner[~first], strict=True)
    ]
    return kept, tuple(found)


def _gaps(times: Ints, kept: Ints, step: int) -> Iterator[Gap]:
    moments = times[kept]
    missing = np.diff(moments) // step - 1
    for index in np.flatnonzero(missing > 0):
        yield Gap(
            row=int(kept[index]) + 1,
            after=int(moments[index]),
            before=int(moments[index + 1]),
            missing=int(missing[index]),
        )


def _sparse(times: Ints, step: int, timeframe: str) -> tuple[str, ...]:
    if len(times) < 3 or int(np.diff(times).min()) <= step:
        return ()
    return (f"no two rows are {timeframe} apart: is the timeframe of the file longer?",)
