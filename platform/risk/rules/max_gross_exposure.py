"""MAX_GROSS_EXPOSURE: sum of the worst-case notionals of all instruments, working and unknown orders included."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ..decision import Breach
from ..exposure import reduces
from ..view import PortfolioView
from .base import Rule, portfolio_breach, text, tightest


class MaxGrossExposure(Rule[PortfolioView]):
    """An order that does not make the worst case worse passes."""

    codes = (RejectCode.MAX_GROSS_EXPOSURE,)
    limits = ("max_gross_exposure", "max_gross_exposure_of_equity")
    stages = (2,)

    def check(self, intent: OrderIntent, view: PortfolioView) -> Breach | None:
        if reduces(intent, view):
            return None
        limits, exposure = view.limits, view.exposure(intent)
        limit = tightest(
            exposure.equity, limits.max_gross_exposure, limits.max_gross_exposure_of_equity, "max_gross_exposure"
        )
        if exposure.gross_after <= limit or exposure.gross_after <= exposure.gross_before:
            return None
        message = f"the gross exposure could become {text(exposure.gross_after)}, more than {text(limit)}"
        return portfolio_breach(
            intent,
            RejectCode.MAX_GROSS_EXPOSURE,
            message,
            observed=text(exposure.gross_after),
            limit=text(limit),
        )
