"""Every operation of the API, by area: the one place where a client method is described."""

from .identity import IdentityOperations
from .market import MarketOperations
from .promotion import PromotionOperations
from .reports import ReportOperations
from .risk import RiskOperations
from .trading import TradingOperations


class Operations(
    IdentityOperations, MarketOperations, PromotionOperations, TradingOperations, RiskOperations, ReportOperations
):
    """The operations as methods; a subclass says how a call is sent."""


__all__ = ["Operations"]
