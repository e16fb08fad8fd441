"""Market events and fills as strategies see them: floats and UTC timestamps instead of decimals and nanoseconds."""

from dataclasses import dataclass

import pandas as pd

from ..contracts.enums import Side
from ..contracts.events import Bar, OrderFilled, Quote, Trade


def moment(ns: int) -> pd.Timestamp:
    """UTC timestamp of nanoseconds since the epoch."""
    return pd.Timestamp(ns, unit="ns", tz="UTC")


@dataclass(frozen=True, slots=True)
class BarView:
    """A closed bar of the instrument with the column label ``symbol``."""

    symbol: str
    open_time: pd.Timestamp
    close_time: pd.Timestamp
    open: float
    high: float
    low: float
    close: float
    volume: float

    @classmethod
    def of(cls, bar: Bar, symbol: str) -> "BarView":
        prices = (float(bar.open), float(bar.high), float(bar.low), float(bar.close), float(bar.volume))
        return cls(symbol, moment(bar.open_time), moment(bar.ts), *prices)


@dataclass(frozen=True, slots=True)
class QuoteView:
    """Best bid and ask with their sizes in base units."""

    symbol: str
    time: pd.Timestamp
    bid: float
    ask: float
    bid_size: float
    ask_size: float

    @classmethod
    def of(cls, quote: Quote, symbol: str) -> "QuoteView":
        sides = (float(quote.bid), float(quote.ask), float(quote.bid_size), float(quote.ask_size))
        return cls(symbol, moment(quote.ts), *sides)


@dataclass(frozen=True, slots=True)
class TradeView:
    """A public trade."""

    symbol: str
    time: pd.Timestamp
    price: float
    quantity: float

    @classmethod
    def of(cls, trade: Trade, symbol: str) -> "TradeView":
        return cls(symbol, moment(trade.ts), float(trade.price), float(trade.quantity))


@dataclass(frozen=True, slots=True)
class FillView:
    """An execution of one of the strategy's orders.

    ``order`` is what ``buy`` or ``sell`` returned; ``leg`` names the protective order (stop-loss, take-profit) that was
    filled, empty for the order itself. ``fee`` is in the fee's own currency.
    """

    order: str
    symbol: str
    time: pd.Timestamp
    side: Side
    quantity: float
    price: float
    fee: float
    leg: str = ""

    @classmethod
    def of(cls, fill: OrderFilled, symbol: str) -> "FillView":
        numbers = (float(fill.quantity), float(fill.price), float(fill.fee))
        return cls(fill.intent_id, symbol, moment(fill.ts), fill.side, *numbers, leg=fill.leg)
