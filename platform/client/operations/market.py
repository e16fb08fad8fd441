"""Instruments, candles, market sessions and marks."""

from ...contracts.api.base import Page
from ...contracts.api.market import Candle, Instrument, InstrumentSpec, Mark, Session
from ..calls import Operation
from ..parameters import Candles, Instruments, Marks, OneInstrument, Paged


class MarketOperations:
    """What is traded, and at which prices."""

    list_instruments = Operation("GET", "/instruments", Instruments, Page[Instrument], "Registered instruments.")
    get_instrument = Operation("GET", "/instruments/{key}", OneInstrument, Instrument, "One instrument.")
    register_instrument = Operation(
        "POST", "/instruments", InstrumentSpec, Instrument, "Register an instrument; its data is collected from now on."
    )
    list_candles = Operation("GET", "/candles", Candles, Page[Candle], "Candles, oldest first.")
    list_market_sessions = Operation("GET", "/market-sessions", Paged, Page[Session], "Markets that are or were open.")
    list_marks = Operation("GET", "/marks", Marks, Page[Mark], "The newest price of each instrument.")
