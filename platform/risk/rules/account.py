"""UNKNOWN_ACCOUNT: deployment, portfolio and session must be known and belong together."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ..decision import Breach
from ..view import CommonView, PortfolioView
from .base import Rule, deployment_breach, portfolio_breach


class UnknownAccount(Rule[CommonView]):
    """The deployment is known, and the portfolio and session are its own."""

    codes = (RejectCode.UNKNOWN_ACCOUNT,)
    stages = (1, 2)

    def check(self, intent: OrderIntent, view: CommonView) -> Breach | None:
        deployment = view.deployment
        if deployment is None or deployment.deployment_id != intent.deployment_id:
            return deployment_breach(
                intent, RejectCode.UNKNOWN_ACCOUNT, f"deployment {intent.deployment_id} is not known"
            )
        if deployment.portfolio_id != intent.portfolio_id:
            message = f"deployment {intent.deployment_id} does not trade portfolio {intent.portfolio_id}"
            return deployment_breach(
                intent,
                RejectCode.UNKNOWN_ACCOUNT,
                message,
                observed=intent.portfolio_id,
                limit=deployment.portfolio_id,
            )
        if deployment.session != intent.session:
            message = f"deployment {intent.deployment_id} does not trade on session {intent.session or 'live'!r}"
            return deployment_breach(
                intent, RejectCode.UNKNOWN_ACCOUNT, message, observed=intent.session, limit=deployment.session
            )
        return None


class UnknownPortfolio(Rule[PortfolioView]):
    """The portfolio has a ledger."""

    codes = (RejectCode.UNKNOWN_ACCOUNT,)
    stages = (2,)

    def check(self, intent: OrderIntent, view: PortfolioView) -> Breach | None:
        if view.ledger is None or view.ledger.portfolio_id != intent.portfolio_id:
            message = f"portfolio {intent.portfolio_id} is not known"
            return portfolio_breach(intent, RejectCode.UNKNOWN_ACCOUNT, message)
        return None
