"""DAILY_LOSS: realised and unrealised loss since the UTC day's start; latches until the next day."""

from decimal import Decimal

from ...contracts.enums import RejectCode, ScopeKind
from ...contracts.errors import NotFoundError
from ...contracts.events import OrderIntent
from ..decision import Breach
from ..exposure import reduces
from ..limits import RiskLimits
from ..view import PortfolioView
from .base import Rule, text, tightest


class DailyLoss(Rule[PortfolioView]):
    """A reducing order passes. The first breach of a day asks the caller to latch the deployment (``trips_day``)."""

    codes = (RejectCode.DAILY_LOSS,)
    limits = ("daily_loss", "daily_loss_of_equity")
    stages = (2,)

    def check(self, intent: OrderIntent, view: PortfolioView) -> Breach | None:
        if reduces(intent, view):
            return None
        start = view.day.start_equity
        if start is None:
            raise NotFoundError("the day's start equity is not known", hint="It is taken with the first market event.")
        limit, loss = loss_limit(view.limits, start), start - view.exposure(intent).equity
        latched = intent.deployment_id in view.day.tripped
        if not latched and loss < limit:
            return None
        when = "was reached earlier today" if latched else "is reached"
        return Breach(
            code=RejectCode.DAILY_LOSS,
            message=f"the day's loss limit of {text(limit)} {when}: only reducing orders until the next UTC day",
            scope=ScopeKind.PORTFOLIO,
            scope_id=intent.portfolio_id,
            observed=text(loss),
            limit=text(limit),
            trips_day=not latched,
        )


def loss_limit(limits: RiskLimits, start_equity: Decimal) -> Decimal:
    """The day's loss (portfolio currency) at which the latch trips. Raises ``MissingLimitError`` when none is set."""
    return tightest(start_equity, limits.daily_loss, limits.daily_loss_of_equity, "daily_loss")
