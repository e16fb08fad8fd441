"""Daily candles of five stocks that ship in ``bokeh_sampledata``: real prices, 2000 to 2013, without internet."""

from datetime import datetime
from decimal import Decimal

import msgspec
import numpy as np
import pandas as pd
import psycopg

from ..contracts.instrument import Instrument
from . import instruments
from .candles import COLUMNS, RAW_COLUMNS
from .copy_format import open_times
from .import_checks import check
from .import_report import ImportReport
from .importer import store

EXCHANGE = "SAMPLE"
SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
TIMEFRAME = "1d"
SOURCE = "bokeh_sampledata.stocks"
FEE_RATE = Decimal("0.0005")


def sample_instrument(symbol: str) -> Instrument:
    """A stock of the sample: whole shares, cents, US dollars, 5 bps fee."""
    return Instrument(
        exchange=EXCHANGE,
        symbol=symbol,
        currency="USD",
        base=symbol,
        price_tick=Decimal("0.01"),
        lot_step=Decimal(1),
        fee_rate=FEE_RATE,
        maker_fee_rate=FEE_RATE,
        description=f"{symbol}, daily, adjusted for splits and dividends",
    )


def sample_frame(symbol: str) -> pd.DataFrame:
    """Candle frame of ``symbol`` with raw columns: prices times ``adj_close / close``, volume divided by it.

    A day opens at 00:00 UTC of its date.
    """
    from bokeh_sampledata import stocks

    table = pd.DataFrame(getattr(stocks, symbol))
    factor = table["adj_close"] / table["close"]
    index = pd.DatetimeIndex(pd.to_datetime(table["date"]), tz="UTC", name="open_time").as_unit("ns")
    values = {name: table[name] * factor for name in COLUMNS if name != "volume"}
    values["close"] = table["adj_close"]
    values["volume"] = table["volume"] / factor
    raw = {f"raw_{name}": table[name].astype("float64") for name in COLUMNS}
    frame = pd.DataFrame(values | raw)[[*COLUMNS, *RAW_COLUMNS]]
    # One rounding error of a division must not put a close above its own high.
    frame["high"] = np.maximum.reduce([frame["high"], frame["open"], frame["close"]])
    frame["low"] = np.minimum.reduce([frame["low"], frame["open"], frame["close"]])
    return frame.set_index(index)


def import_sample(conn: psycopg.Connection, start: datetime | None = None) -> list[ImportReport]:
    """Register and store the five stocks as ``SAMPLE:AAPL`` …, timeframe 1d. Again: changes nothing.

    ``start`` leaves out the bars that open before it (UTC).
    """
    reports = []
    for symbol in SYMBOLS:
        instrument = sample_instrument(symbol)
        frame = sample_frame(symbol).loc[start:]
        checked = check(open_times(frame), frame, TIMEFRAME)
        with conn.transaction():
            new = instruments.register(conn, instrument)
            report = store(conn, instrument.key, TIMEFRAME, checked, source=SOURCE)
        reports.append(msgspec.structs.replace(report, registered=new))
    return reports
