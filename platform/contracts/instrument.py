"""Instruments: what can be traded, and in which steps."""

from decimal import Decimal

import msgspec

from .ids import instrument_key


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable instrument.

    ``price_tick`` and ``lot_step`` are in quote and base units; ``fee_rate`` is the taker fee as a fraction of the
    notional, ``maker_fee_rate`` the maker's. ``currency`` is what prices, fees and cash are counted in.
    """

    exchange: str
    symbol: str
    currency: str
    base: str = ""
    price_tick: Decimal = Decimal("0.01")
    lot_step: Decimal = Decimal("0.000001")
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    fee_rate: Decimal = Decimal(0)
    maker_fee_rate: Decimal = Decimal(0)
    description: str = ""

    @property
    def key(self) -> str:
        return instrument_key(self.exchange, self.symbol)
