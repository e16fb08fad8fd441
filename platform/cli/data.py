"""``data import``, ``data sample``, ``data list`` and ``data replay``."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict
from rich.markup import escape

from .errors import run_async
from .options import End, Json, Start, to_utc
from .output import console, errors, print_json, table, when
from .store import database

if TYPE_CHECKING:
    from ..market.import_report import ImportReport
    from ..market.series import Series
    from ..ops.settings import Settings

SHOWN = 8

app = typer.Typer(help="Instruments and candles.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the group to ``parent``."""
    parent.add_typer(app, name="data")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .parquet or .csv file: timestamp, open, high, low, close, volume.")],
    instrument: Annotated[str, typer.Option("--instrument", "-i", help="EXCHANGE:SYMBOL, such as BINANCE:BTC/USDT.")],
    timeframe: Annotated[str, typer.Option("--timeframe", "-t", help="1m, 5m, 1h, 1d …")],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite stored candles that differ.")] = False,
    timezone: Annotated[str, typer.Option("--timezone", help="Zone of times without one (default UTC).")] = "",
    lot: Annotated[str, typer.Option("--lot", help="Lot step, in base units.")] = "",
    tick: Annotated[str, typer.Option("--tick", help="Price tick (default: from the decimals of the data).")] = "",
    fee: Annotated[str, typer.Option("--fee", help="Fee rate, as a fraction of the notional.")] = "",
    currency: Annotated[str, typer.Option("--currency", help="Currency of prices (default: from the symbol).")] = "",
    as_json: Json = False,
) -> None:
    """Import candles; bad rows, duplicates, gaps and time zones are reported, a re-import changes nothing."""
    from ..market.importer import InstrumentOptions, import_candles
    from ..ops.settings import load_settings

    options = InstrumentOptions(
        price_tick=_number("--tick", tick),
        lot_step=_number("--lot", lot),
        fee_rate=_number("--fee", fee),
        currency=currency or None,
    )
    settings = load_settings()
    with database(settings) as connection, errors.status(f"importing {file.name}"):
        report = import_candles(
            connection, file, instrument, timeframe, replace=replace, time_zone=timezone or None, options=options
        )
        connection.commit()
    if report.registered:
        _announce(settings, [report.instrument])
    print_json(report) if as_json else _show_report(report)


@app.command()
def sample(as_json: Json = False) -> None:
    """Import the daily candles of five stocks that ship with Millstream (2000 to 2013)."""
    from ..market.sample import import_sample
    from ..ops.settings import load_settings

    settings = load_settings()
    with database(settings) as connection, errors.status("importing the sample"):
        reports = import_sample(connection)
        connection.commit()
    _announce(settings, [report.instrument for report in reports if report.registered])
    if as_json:
        print_json(reports)
        return
    rows = [(one.instrument, one.rows, one.new, _day(one.first), _day(one.last)) for one in reports]
    table("Sample", ["instrument", "candles", "new", "first", "last"], rows)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Registered instruments and the candles stored of them."""
    from ..market import instruments
    from ..market.series import series

    with database() as connection:
        known = instruments.list_instruments(connection)
        stored = series(connection)
    if as_json:
        print_json({"instruments": [{"key": one.key, **asdict(one)} for one in known], "series": stored})
        return
    rows = [(one.key, one.currency, one.price_tick, one.lot_step, one.fee_rate) for one in known]
    empty = "none: `millstream data sample` or `millstream data import`"
    table("Instruments", ["instrument", "currency", "tick", "lot", "fee"], rows, empty=empty)
    console.print()
    columns = ["instrument", "timeframe", "rows", "first (UTC)", "last (UTC)", "source"]
    table("Candles", columns, map(_fields, stored), empty="none", spare=["source"])


def _fields(one: "Series") -> tuple[object, ...]:
    return one.instrument, one.timeframe, one.rows, when(one.first_open), when(one.last_open), one.source


@app.command()
def replay(
    symbols: Annotated[list[str], typer.Argument(help="Instruments to play, together.")],
    timeframe: Annotated[str, typer.Option("--timeframe", "-t", help="Timeframe of the stored candles.")] = "1d",
    speed: Annotated[float, typer.Option(min=0.01, help="Bars a second.")] = 1.0,
    start: Start = None,
    end: End = None,
) -> None:
    """Play stored candles as a live market of its own until they end or Ctrl-C; strategies can be promoted to it."""
    from ..ops.settings import load_settings

    settings = load_settings()
    run_async(_replay(settings, symbols, timeframe, speed, start, end))


async def _replay(
    settings: "Settings", symbols: list[str], timeframe: str, speed: float, start: datetime | None, end: datetime | None
) -> None:
    import asyncio

    from ..bootstrap import ensure_servers, open_bus
    from ..market import instruments, sessions
    from ..market.feeds.base import bus_publisher, persistent
    from ..market.feeds.replay import ReplayFeed
    from ..ops.clock import WallClock

    endpoints = await asyncio.to_thread(ensure_servers, settings)
    with database(settings) as connection:
        keys = [instruments.resolve(connection, symbol) for symbol in symbols]
        session = sessions.create_replay(connection, keys, timeframe, speed=speed)
        connection.commit()
    feed = ReplayFeed(endpoints.database_url, session, WallClock(), start=to_utc(start), end=to_utc(end))
    console.print(f"session [bold]{feed.session}[/bold]: {', '.join(keys)} at {speed:g} bars a second; Ctrl-C ends it")
    async with open_bus(settings, endpoints) as bus:
        await feed.run(persistent(bus_publisher(bus), WallClock()))


def _announce(settings: "Settings", keys: list[str]) -> None:
    import asyncio

    from ..bootstrap import ensure_servers, open_bus
    from ..market import instruments
    from ..ops.clock import WallClock

    async def publish() -> None:
        endpoints = await asyncio.to_thread(ensure_servers, settings)
        with database(settings) as connection:
            found = [instruments.get(connection, key) for key in keys]
        async with open_bus(settings, endpoints) as bus:
            await instruments.announce(bus, WallClock(), found)

    if keys:
        run_async(publish())


def _number(option: str, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise typer.BadParameter(f"{text!r} is not a number from 0 up", param_hint=option)
    return value


def _day(ns: int) -> str | None:
    text = when(ns)
    return text and text[:10]


def _show_report(report: "ImportReport") -> None:
    span = f"{when(report.first)} to {when(report.last)}" if report.first else "no valid row"
    console.print(f"[bold]{escape(report.instrument)}[/bold] {report.timeframe} from {escape(report.source)}: {span}")
    console.print(
        f"{report.rows:,} rows: {report.new:,} new, {report.unchanged:,} unchanged, {report.replaced:,} replaced, "
        f"{len(report.bad_rows):,} bad, {len(report.duplicates):,} duplicates; "
        f"{report.missing:,} candles missing in {len(report.gaps):,} gaps"
    )
    for text in report.assumptions:
        console.print(f"  [dim]{escape(text)}[/dim]")
    lines = [f"row {row.row}: {row.fault.value}: {row.message}" for row in report.bad_rows]
    lines += [
        f"row {row.row}: same time as row {row.first_row}, {'same' if row.same else 'other'} values"
        for row in report.duplicates
    ]
    lines += [f"gap of {gap.missing:,} after {when(gap.after)} (row {gap.row})" for gap in report.gaps]
    for line in lines[:SHOWN]:
        console.print(f"  {escape(line)}")
    if len(lines) > SHOWN:
        console.print(f"  … and {len(lines) - SHOWN:,} more: --json lists them all")
