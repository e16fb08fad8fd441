"""MAX_ORDER_QTY: size of one order in base units."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ..decision import Breach
from ..view import InstrumentView
from .base import Rule, instrument_breach, required, text


class MaxOrderQty(Rule[InstrumentView]):
    """Reducing orders are limited too: it guards against a wrong number, not against risk."""

    codes = (RejectCode.MAX_ORDER_QTY,)
    limits = ("max_order_qty",)
    stages = (1,)

    def check(self, intent: OrderIntent, view: InstrumentView) -> Breach | None:
        limit = required(view.limits.max_order_qty, "max_order_qty")
        if intent.quantity <= limit:
            return None
        message = f"an order of {text(intent.quantity)} is larger than {text(limit)}"
        return instrument_breach(
            intent, RejectCode.MAX_ORDER_QTY, message, observed=text(intent.quantity), limit=text(limit)
        )
