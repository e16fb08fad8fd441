"""PRICE_COLLAR: no price of an order may be far from the mark; market orders are judged by their reference price."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ...contracts.money import bps_between
from ..decision import Breach
from ..view import InstrumentView
from .base import Rule, instrument_breach, required, text


class PriceCollar(Rule[InstrumentView]):
    """A market order without a reference price has nothing to deviate: STALE_MARKET_DATA vouches for the mark."""

    codes = (RejectCode.PRICE_COLLAR,)
    limits = ("price_collar_bps",)
    stages = (1,)

    def check(self, intent: OrderIntent, view: InstrumentView) -> Breach | None:
        limit = required(view.limits.price_collar_bps, "price_collar_bps")
        mark = view.state.mark
        if mark is None:
            return instrument_breach(
                intent, RejectCode.PRICE_COLLAR, f"{intent.instrument} has no mark to compare with"
            )
        named = (("reference", intent.reference_price), ("limit", intent.limit_price), ("stop", intent.stop_price))
        for name, price in named:
            if price is None:
                continue
            distance = bps_between(price, mark)
            if distance > limit:
                message = f"the {name} price {price} is {text(distance)} bps from the mark {mark}"
                return instrument_breach(
                    intent,
                    RejectCode.PRICE_COLLAR,
                    message,
                    observed=f"{text(distance)} bps",
                    limit=f"{text(limit)} bps",
                )
        return None
