"""Candles for research, from the installation that the settings name. Synchronous: also inside a running notebook."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache

import pandas as pd
import psycopg

from ..bootstrap import Endpoints, ensure_servers
from ..contracts.errors import InputError, RetriableError
from ..contracts.instrument import Instrument
from ..contracts.time import timeframe_ns
from ..market import instruments as registry
from ..market.cache import CandleCache
from ..market.candles import Series, series
from ..market.sample import import_sample
from ..ops.settings import Settings, load_settings
from ..sdk.bars import combine
from ..sdk.host import HISTORY_LIMIT
from ..sdk.symbols import as_symbols, labels
from .candles import Candles

Moment = str | datetime | pd.Timestamp | None


def load(symbol: str | Sequence[str], timeframe: str, start: Moment = None, end: Moment = None) -> pd.DataFrame:
    """Stored candles with ``start`` <= open time < ``end`` (UTC where no time zone is given).

    Shaped as for ``Strategy.target``: one symbol gives columns open, high, low, close, volume, several give (field,
    symbol); the index holds UTC open times.

    Raises :class:`InputError` for an unusable argument, :class:`NotFoundError` for what is not stored.
    """
    return candles(symbol, timeframe, start, end).frame


def candles(
    symbol: str | Sequence[str], timeframe: str, start: Moment = None, end: Moment = None, *, warmup: bool = False
) -> Candles:
    """As :func:`load`, with the instruments; ``warmup`` adds the candles before ``start`` that a runner would load."""
    timeframe_ns(timeframe)
    names, first, last = as_symbols(symbol), _moment(start, "start"), _moment(end, "end")
    settings = load_settings()
    cache = CandleCache(settings.home / "cache")
    with connection(settings) as conn:
        found = tuple(registry.get(conn, registry.resolve(conn, name)) for name in names)
        keys = [instrument.key for instrument in found]
        frames = [cache.frame(conn, key, timeframe, None if warmup else first, last) for key in keys]
    frame = combine(dict(zip(labels(keys), frames, strict=True)))
    before = int(frame.index.searchsorted(pd.Timestamp(first))) if first is not None else 0
    skipped = max(0, before - HISTORY_LIMIT)
    return Candles(found, timeframe, frame.iloc[skipped:], before - skipped)


def instruments() -> tuple[Instrument, ...]:
    """Every registered instrument."""
    with connection(load_settings()) as conn:
        return tuple(registry.list_instruments(conn))


def stored() -> tuple[Series, ...]:
    """Which candles are stored, by instrument and timeframe."""
    with connection(load_settings()) as conn:
        return tuple(series(conn))


@contextmanager
def connection(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection to the installation's database, its embedded servers started where needed.

    An embedded database without any candles gets the sample candles first, so that every notebook runs on a new
    installation.
    """
    with _connect(settings) as conn:
        if settings.database_url is None and not series(conn):
            import_sample(conn)
            conn.commit()
        yield conn


@lru_cache(maxsize=4)
def _endpoints(settings: Settings) -> Endpoints:
    return ensure_servers(settings)


def _connect(settings: Settings) -> psycopg.Connection:
    from ..store.database import connect_sync

    try:
        return connect_sync(_endpoints(settings).database_url)
    except RetriableError:
        _endpoints.cache_clear()
        return connect_sync(_endpoints(settings).database_url)


def _moment(value: Moment, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}={value!r} is not a time", hint='Write a date such as "2010-01-31".') from error
    aware = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return aware.to_pydatetime()
