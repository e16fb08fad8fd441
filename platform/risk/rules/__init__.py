"""The rules, in the order in which they are applied: the first breach is the one that is told."""

from typing import Any

from ..view import InstrumentView, PortfolioView
from .account import UnknownAccount, UnknownPortfolio
from .base import Rule
from .daily_loss import DailyLoss
from .duplicate_intent import DuplicateIntent
from .halted import Halted, ReduceOnly
from .insufficient_buying_power import InsufficientBuyingPower
from .intent_expired import IntentExpired
from .invalid_intent import InvalidIntent
from .max_gross_exposure import MaxGrossExposure
from .max_order_notional import MaxOrderNotional, MaxOrderNotionalOfEquity
from .max_order_qty import MaxOrderQty
from .max_position import MaxPosition
from .price_collar import PriceCollar
from .stale_market_data import StaleMarketData
from .stale_runner import StaleRunner
from .unknown_instrument import UnknownInstrument

INSTRUMENT_RULES: tuple[Rule[InstrumentView], ...] = (
    UnknownAccount(),
    UnknownInstrument(),
    Halted(),
    StaleRunner(),
    IntentExpired(),
    InvalidIntent(),
    StaleMarketData(),
    MaxOrderQty(),
    MaxOrderNotional(),
    PriceCollar(),
    DuplicateIntent(),
)
"""Stage 1."""

PORTFOLIO_RULES: tuple[Rule[PortfolioView], ...] = (
    UnknownAccount(),
    UnknownPortfolio(),
    Halted(),
    ReduceOnly(),
    StaleRunner(),
    IntentExpired(),
    DailyLoss(),
    MaxOrderNotionalOfEquity(),
    MaxPosition(),
    MaxGrossExposure(),
    InsufficientBuyingPower(),
)
"""Stage 2."""

SEND_RULES: tuple[Rule[PortfolioView], ...] = (Halted(), ReduceOnly(reserved=True), StaleRunner(), IntentExpired())
"""The executor's own check, right before the send."""

ALL_RULES: tuple[Rule[Any], ...] = (*INSTRUMENT_RULES, *PORTFOLIO_RULES)

__all__ = ["ALL_RULES", "INSTRUMENT_RULES", "PORTFOLIO_RULES", "SEND_RULES", "Rule"]
