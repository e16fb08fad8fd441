"""MAX_POSITION: position plus working and unknown orders, the worse of both sides."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ..decision import Breach
from ..exposure import reduces
from ..view import PortfolioView
from .base import Rule, instrument_breach, required, text


class MaxPosition(Rule[PortfolioView]):
    """An order that does not make the worst case worse passes."""

    codes = (RejectCode.MAX_POSITION,)
    limits = ("max_position_qty", "max_position_notional", "max_position_of_equity")
    stages = (2,)

    def check(self, intent: OrderIntent, view: PortfolioView) -> Breach | None:
        if reduces(intent, view):
            return None
        limits, exposure = view.limits, view.exposure(intent)
        if limits.max_position_notional is None and limits.max_position_of_equity is None:
            required(limits.max_position_qty, "max_position_qty, max_position_notional or max_position_of_equity")
        relative = limits.max_position_of_equity
        bounds = (
            ("", exposure.quantity_after, limits.max_position_qty),
            ("worth ", exposure.position_after, limits.max_position_notional),
            ("worth ", exposure.position_after, None if relative is None else relative * exposure.equity),
        )
        if exposure.quantity_after <= exposure.quantity_before:
            return None
        for words, observed, limit in bounds:
            if limit is not None and observed > limit:
                message = f"the position could become {words}{text(observed)}, more than {text(limit)}"
                return instrument_breach(
                    intent, RejectCode.MAX_POSITION, message, observed=text(observed), limit=text(limit)
                )
        return None
