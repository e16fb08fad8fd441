"""The ``timestamp`` column of an imported file, in whatever form it came, as UTC nanoseconds."""

import re
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from ..contracts.errors import InputError

NOT_A_TIME = np.iinfo(np.int64).min
_WITH_ZONE = re.compile(r"[T ]\d.*(Z|z|[+-]\d{2}(:?\d{2})?)$")
_UNITS = ((10**11, "s", "seconds"), (10**14, "ms", "milliseconds"), (10**17, "us", "microseconds"))
_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True, slots=True)
class ParsedTimes:
    """``ns``: UTC ns, ``NOT_A_TIME`` where a value is no time; ``assumption`` says in words how they were read."""

    ns: "np.ndarray[Any, np.dtype[np.int64]]"
    assumption: str


def parse_timestamps(column: pd.Series, time_zone: str | None = None) -> ParsedTimes:
    """Read integers (s, ms, µs or ns since 1970, by their size), datetimes, dates and ISO 8601 texts.

    ``time_zone`` (IANA name) is the zone of values that have none; default UTC. Raises :class:`InputError` for a zone
    that does not exist.
    """
    zone = _zone(time_zone)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return ParsedTimes(_ns(column.dt.tz_convert("UTC")), f"times have the zone {column.dt.tz}, converted to UTC")
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return ParsedTimes(_ns(_localised(column, zone)), f"times without a zone, read as {zone.key}")
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return _from_numbers(column)
    return _from_texts(column, zone)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            f"{name!r} is not a time zone", hint="Use an IANA name such as UTC, Europe/Berlin or America/New_York."
        ) from error


def _from_numbers(column: pd.Series) -> ParsedTimes:
    values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    usable = np.isfinite(values)
    size = float(np.median(np.abs(values[usable]))) if usable.any() else 0.0
    unit, name = next(((unit, name) for limit, unit, name in _UNITS if size < limit), ("ns", "nanoseconds"))
    kind = np.int64 if pd.api.types.is_integer_dtype(column.dtype) else np.float64
    exact = column.where(usable, 0).to_numpy(dtype=kind, na_value=0)
    in_range = usable & (np.abs(values) * _NS[unit] < np.iinfo(np.int64).max)
    ns = np.where(in_range, exact, 0) * _NS[unit]
    return ParsedTimes(
        np.where(in_range, ns.astype(np.int64), NOT_A_TIME), f"numbers read as {name} since 1970-01-01 UTC"
    )


def _from_texts(column: pd.Series, zone: ZoneInfo) -> ParsedTimes:
    texts = column.astype("string").str.strip()
    numbers = pd.to_numeric(texts, errors="coerce")
    if texts.notna().any() and numbers.notna().mean() > 0.5:
        return _from_numbers(numbers)
    zoned = texts.map(lambda text: bool(_WITH_ZONE.search(text)), na_action="ignore").fillna(False).astype(bool)
    aware = pd.to_datetime(texts.where(zoned), utc=True, format="ISO8601", errors="coerce")
    naive = pd.to_datetime(texts.where(~zoned), utc=True, format="ISO8601", errors="coerce").dt.tz_localize(None)
    ns = np.where(zoned.to_numpy(), _ns(aware), _ns(_localised(naive, zone)))
    if zoned.all():
        return ParsedTimes(ns, "texts with a zone, converted to UTC")
    if zoned.any():
        return ParsedTimes(ns, f"texts, some with a zone; those without read as {zone.key}")
    return ParsedTimes(ns, f"texts without a zone, read as {zone.key}")


def _localised(column: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Naive local times as UTC; hours that a clock change repeats or leaves out become NaT and are reported."""
    result: pd.Series = column.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    return result


def _ns(column: pd.Series) -> "np.ndarray[Any, np.dtype[np.int64]]":
    naive = column.dt.tz_convert("UTC").dt.tz_localize(None)
    result: np.ndarray[Any, np.dtype[np.int64]] = naive.to_numpy(dtype="datetime64[ns]").astype(np.int64)
    return result
