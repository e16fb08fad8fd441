"""Instruments, candles and market sessions."""

from decimal import Decimal

from pydantic import Field

from .base import Answer, Request, Time


class InstrumentSpec(Request):
    """An instrument to register; ``price_tick`` and ``lot_step`` in quote and base units, fees as fractions."""

    exchange: str = Field(min_length=1, max_length=32, examples=["SAMPLE"])
    symbol: str = Field(min_length=1, max_length=64, examples=["AAPL"])
    currency: str = Field(min_length=1, max_length=16, examples=["USD"])
    base: str = ""
    price_tick: Decimal = Field(default=Decimal("0.01"), gt=0)
    lot_step: Decimal = Field(default=Decimal("0.000001"), gt=0)
    min_quantity: Decimal = Field(default=Decimal(0), ge=0)
    min_notional: Decimal = Field(default=Decimal(0), ge=0)
    fee_rate: Decimal = Field(default=Decimal(0), ge=0, lt=1)
    maker_fee_rate: Decimal = Field(default=Decimal(0), ge=0, lt=1)
    description: str = Field(default="", max_length=500)


class Instrument(Answer):
    """A registered instrument with its newest price; ``key`` is ``EXCHANGE:SYMBOL``.

    ``timeframes`` are those with stored candles. ``sessions`` are the open markets that carry it now, ``""`` the live
    one: while it is in none, nothing collects its data.
    """

    key: str
    exchange: str
    symbol: str
    currency: str
    base: str = ""
    price_tick: Decimal
    lot_step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    fee_rate: Decimal
    maker_fee_rate: Decimal
    description: str = ""
    timeframes: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    price: Decimal | None = None
    price_at: Time | None = None
    registered_at: Time


class Candle(Answer):
    """One candle; ``time`` is its open time."""

    time: Time
    open: float
    high: float
    low: float
    close: float
    volume: float


class Session(Answer):
    """A market: ``session`` is empty for the live one; ``position`` is the market time of its newest slice."""

    session: str
    kind: str
    state: str
    timeframe: str
    instruments: tuple[str, ...]
    speed: float
    position: Time | None = None


class Mark(Answer):
    """The newest price of an instrument in a session; ``bid`` and ``ask`` where there are quotes."""

    session: str
    instrument: str
    price: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    time: Time
