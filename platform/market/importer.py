"""Candles from a Parquet or CSV file into the store, with a report of everything that was odd about them."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import pandas as pd
import psycopg

from ..contracts.errors import ConflictError, InputError, NotFoundError
from ..contracts.ids import parse_instrument
from ..contracts.instrument import Instrument
from ..contracts.time import timeframe_ns
from . import candles, instruments
from .copy_format import open_times
from .import_checks import Checked, check, price_tick
from .import_report import ImportReport
from .import_timestamps import parse_timestamps

LOT_STEP = Decimal("0.000001")
FEE_RATE = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentOptions:
    """What to register the instrument with; None: as it is registered already, else derived from file or defaults.

    ``price_tick`` comes from the decimals of the data, ``currency`` from a symbol such as ``BTC/USDT`` (else USD).
    """

    price_tick: Decimal | None = None
    lot_step: Decimal | None = None
    fee_rate: Decimal | None = None
    currency: str | None = None


def import_candles(
    conn: psycopg.Connection,
    path: Path,
    instrument: str,
    timeframe: str,
    *,
    replace: bool = False,
    time_zone: str | None = None,
    options: InstrumentOptions | None = None,
) -> ImportReport:
    """Import the columns ``timestamp`` (open time), ``open, high, low, close, volume`` of ``path``, in one transaction.

    Bad rows are left out and reported; of rows with the same time the first is kept. What is stored already stays: a
    repeated import changes nothing. Raises :class:`ConflictError` when stored candles have other values and ``replace``
    is not set, and :class:`InputError` for a file, instrument, timeframe or zone that cannot be used.
    """
    key = parse_instrument(instrument)
    timeframe_ns(timeframe)
    table = read_table(path)
    times = parse_timestamps(table["timestamp"], time_zone)
    checked = check(times.ns, _numbers(table), timeframe)
    checked = Checked(
        checked.frame, checked.bad_rows, checked.duplicates, checked.gaps, (times.assumption, *checked.notes)
    )
    return store(conn, key, timeframe, checked, source=path.name, replace=replace, options=options)


def store(
    conn: psycopg.Connection,
    key: str,
    timeframe: str,
    checked: Checked,
    *,
    source: str,
    replace: bool = False,
    options: InstrumentOptions | None = None,
) -> ImportReport:
    """Register the instrument, load the checked candles and report, in one transaction."""
    with conn.transaction():
        instrument, registered, assumed = _register(conn, key, checked.frame, options or InstrumentOptions())
        result = candles.load(conn, key, timeframe, checked.frame, source=source, replace=replace)
        if result.conflicts and not replace:
            raise _conflict(source, key, timeframe, result)
    times = open_times(checked.frame)
    return ImportReport(
        source=source,
        instrument=key,
        timeframe=timeframe,
        rows=len(checked.frame) + len(checked.bad_rows) + len(checked.duplicates),
        new=result.new,
        unchanged=result.unchanged,
        replaced=result.replaced,
        first=int(times[0]) if len(times) else 0,
        last=int(times[-1]) if len(times) else 0,
        bad_rows=checked.bad_rows,
        duplicates=checked.duplicates,
        gaps=checked.gaps,
        assumptions=(*checked.notes, *assumed),
        registered=registered,
        price_tick=instrument.price_tick,
        lot_step=instrument.lot_step,
        fee_rate=instrument.fee_rate,
        currency=instrument.currency,
    )


def read_table(path: Path) -> pd.DataFrame:
    """The file's table with lower-case column names. Raises :class:`InputError` when it cannot be used."""
    if not path.is_file():
        raise NotFoundError(f"{path} is not a file", hint="Give the path of a .parquet or .csv file.")
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {".parquet": pd.read_parquet, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path.name} is neither .parquet nor .csv", hint="Convert it to one of them.")
    try:
        table = reader(path)
    except (ValueError, OSError, UnicodeDecodeError) as error:  # pandas' and pyarrow's errors derive from these
        raise InputError(f"{path.name} cannot be read: {error}", hint="Is it a complete file of its kind?") from error
    table = table.reset_index(drop=table.index.name is None)
    table.columns = [str(name).strip().lower() for name in table.columns]
    _require_columns(path, list(table.columns))
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    table: pd.DataFrame = pd.read_csv(path, skipinitialspace=True, encoding="utf-8-sig")
    return table


def _require_columns(path: Path, found: list[str]) -> None:
    for name in ("timestamp", *candles.COLUMNS):
        if found.count(name) == 1:
            continue
        if name in found:
            raise InputError(f"{path.name} has several columns {name!r}", hint="Keep one of them.")
        near = difflib.get_close_matches(name, found, n=1)
        hint = f"Rename the column {near[0]!r}." if near else f"It has: {', '.join(found) or 'no columns'}."
        raise InputError(f"{path.name} has no column {name!r}", hint=hint)


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The price and volume columns as floats; what is no number becomes NaN and is reported as a bad row."""
    columns = {name: pd.to_numeric(table[name], errors="coerce") for name in candles.COLUMNS}
    return pd.DataFrame({name: column.astype("float64") for name, column in columns.items()})


def _register(
    conn: psycopg.Connection, key: str, frame: pd.DataFrame, options: InstrumentOptions
) -> tuple[Instrument, bool, tuple[str, ...]]:
    given = {name: value for name, value in vars_of(options).items() if value is not None}
    present = instruments.find(conn, key)
    assumed: tuple[str, ...] = ()
    if present is None:
        if frame.empty:
            raise InputError(f"{key}: no row of the file is valid", hint="Correct the file or the timeframe.")
        present, assumed = _derived(key, frame, given)
    instrument = msgspec.structs.replace(present, **given)
    return instrument, instruments.register(conn, instrument), assumed


def vars_of(options: InstrumentOptions) -> dict[str, Decimal | str | None]:
    """The options by name."""
    return {name: getattr(options, name) for name in options.__slots__}


def _derived(key: str, frame: pd.DataFrame, given: dict[str, Decimal | str]) -> tuple[Instrument, tuple[str, ...]]:
    exchange, _, symbol = key.partition(":")
    base, _, quote = symbol.partition("/")
    currency = quote.partition(":")[0] or "USD"
    tick = price_tick(frame)
    instrument = Instrument(
        exchange=exchange,
        symbol=symbol,
        currency=currency,
        base=base if quote else "",
        price_tick=tick,
        lot_step=LOT_STEP,
        fee_rate=FEE_RATE,
        maker_fee_rate=FEE_RATE,
    )
    said = {
        "price_tick": f"price tick {tick:f} from the decimals of the data",
        "lot_step": f"lot step {LOT_STEP}",
        "fee_rate": f"fee rate {FEE_RATE}",
        "currency": f"currency {currency}",
    }
    return instrument, tuple(text for name, text in said.items() if name not in given)


def _conflict(source: str, key: str, timeframe: str, result: candles.LoadResult) -> ConflictError:
    shown = ", ".join(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in result.conflicts[:5])
    more = " …" if len(result.conflicts) > 5 else ""
    return ConflictError(
        f"{source}: {len(result.conflicts)} {timeframe} candles of {key} are stored with other values: {shown}{more}",
        hint="Nothing was changed. Import with --replace to overwrite them.",
    )
