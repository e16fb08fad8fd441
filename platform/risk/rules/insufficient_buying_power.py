"""INSUFFICIENT_BUYING_POWER: equity times leverage must cover the worst case after the order."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ...contracts.money import ONE
from ..decision import Breach
from ..exposure import reduces
from ..view import PortfolioView
from .base import Rule, portfolio_breach, required, text


class InsufficientBuyingPower(Rule[PortfolioView]):
    """``leverage × equity × (1 + buying_power_tolerance)``; the tolerance is for prices that moved since the decision.

    An order that does not make the worst case worse passes.
    """

    codes = (RejectCode.INSUFFICIENT_BUYING_POWER,)
    limits = ("leverage", "buying_power_tolerance")
    stages = (2,)

    def check(self, intent: OrderIntent, view: PortfolioView) -> Breach | None:
        if reduces(intent, view):
            return None
        limits, exposure = view.limits, view.exposure(intent)
        leverage = required(limits.leverage, "leverage")
        tolerance = required(limits.buying_power_tolerance, "buying_power_tolerance")
        power = leverage * exposure.equity * (ONE + tolerance)
        if exposure.gross_after <= power or exposure.gross_after <= exposure.gross_before:
            return None
        message = f"{text(exposure.gross_after)} would be needed in the worst case, {text(power)} is there"
        return portfolio_breach(
            intent,
            RejectCode.INSUFFICIENT_BUYING_POWER,
            message,
            observed=text(exposure.gross_after),
            limit=text(power),
        )
