"""MAX_ORDER_NOTIONAL: value of one order, absolute (stage 1) and against the portfolio's equity (stage 2)."""

from decimal import Decimal

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ...contracts.money import ZERO
from ..decision import Breach
from ..exposure import reduces
from ..view import InstrumentView, PortfolioView
from .base import Rule, instrument_breach, portfolio_breach, required, text


class MaxOrderNotional(Rule[InstrumentView]):
    """Valued at the highest of mark, limit and stop price, in the instrument's currency."""

    codes = (RejectCode.MAX_ORDER_NOTIONAL,)
    limits = ("max_order_notional", "max_order_notional_of_equity")
    stages = (1,)

    def check(self, intent: OrderIntent, view: InstrumentView) -> Breach | None:
        limits = view.limits
        if limits.max_order_notional is None and limits.max_order_notional_of_equity is not None:
            return None
        limit = required(limits.max_order_notional, "max_order_notional or max_order_notional_of_equity")
        prices = (view.state.mark, intent.limit_price, intent.stop_price)
        notional = intent.quantity * max((price for price in prices if price is not None), default=ZERO)
        if notional <= limit:
            return None
        return instrument_breach(intent, RejectCode.MAX_ORDER_NOTIONAL, *_words(notional, limit))


class MaxOrderNotionalOfEquity(Rule[PortfolioView]):
    """Applies when the relative form is set (stage 1 requires one of both); a reducing order passes."""

    codes = (RejectCode.MAX_ORDER_NOTIONAL,)
    limits = ("max_order_notional_of_equity",)
    stages = (2,)

    def check(self, intent: OrderIntent, view: PortfolioView) -> Breach | None:
        multiple = view.limits.max_order_notional_of_equity
        if multiple is None or reduces(intent, view):
            return None
        exposure = view.exposure(intent)
        limit = multiple * exposure.equity
        if exposure.notional <= limit:
            return None
        return portfolio_breach(intent, RejectCode.MAX_ORDER_NOTIONAL, *_words(exposure.notional, limit))


def _words(notional: Decimal, limit: Decimal) -> tuple[str]:
    return (f"an order worth {text(notional)} is larger than {text(limit)}",)
