"""The pure engine: rules in order, the first breach rejects, anything unexpected rejects."""

from collections.abc import Iterable, Sequence

from ..contracts.enums import RejectCode, ScopeKind
from ..contracts.events import CancelIntent, OrderIntent
from .decision import Breach, Decision
from .rules import INSTRUMENT_RULES, PORTFOLIO_RULES, SEND_RULES, Rule
from .view import CommonView, InstrumentView, PortfolioView

__all__ = ["Breach", "Decision", "RiskEngine"]


class RiskEngine:
    """Applies the rules of each stage. ``explain`` finds all breaches instead of the first."""

    def __init__(
        self,
        instrument_rules: Sequence[Rule[InstrumentView]] = INSTRUMENT_RULES,
        portfolio_rules: Sequence[Rule[PortfolioView]] = PORTFOLIO_RULES,
        *,
        explain: bool = False,
    ) -> None:
        self._instrument_rules = tuple(instrument_rules)
        self._portfolio_rules = tuple(portfolio_rules)
        self._explain = explain

    def instrument_stage(self, intent: OrderIntent, view: InstrumentView) -> Decision:
        """Stage 1.

        On approval tell ``view.recent.remember(intent, view.now)`` and give ``reference_price`` to stage 2.
        """
        breaches = self._collect(rule.evaluate(intent, view) for rule in self._instrument_rules)
        mark = None if view.market is None else view.market.mark
        return Decision(stage=1, breaches=breaches, reference_price=mark)

    def portfolio_stage(self, intent: OrderIntent, view: PortfolioView) -> Decision:
        """Stage 2. On approval make the order and ``view.reservations.update(order)`` before the next intent."""
        breaches = self._collect(rule.evaluate(intent, view) for rule in self._portfolio_rules)
        if breaches:
            return Decision(stage=2, breaches=breaches, reference_price=view.reference_price)
        ledger, price = view.portfolio, view.reference_price
        if price is None:
            price = ledger.marks.get(intent.instrument)
        if intent.reduce_only or price is None:
            return Decision(stage=2, reference_price=price)
        reserved = ledger.notional(intent.instrument, intent.quantity, price)
        return Decision(stage=2, reference_price=price, reserved=reserved)

    def before_send(self, intent: OrderIntent, view: PortfolioView) -> Decision:
        """The executor's own check (stage 3), with the intent's order among the reservations.

        Halts, epoch, time to live.
        """
        return Decision(stage=3, breaches=self._collect(rule.evaluate(intent, view) for rule in SEND_RULES))

    def cancel(self, intent: CancelIntent, view: CommonView) -> Decision:
        """A cancel is never throttled nor halted: only its deployment and epoch are checked (stage 1)."""
        deployment = view.deployment
        if deployment is None or deployment.deployment_id != intent.deployment_id:
            code, observed = RejectCode.UNKNOWN_ACCOUNT, intent.deployment_id
            message, limit = f"deployment {intent.deployment_id} is not known", ""
        elif deployment.epoch != intent.epoch:
            code, observed, limit = RejectCode.STALE_RUNNER, str(intent.epoch), str(deployment.epoch)
            message = f"the runner holds epoch {observed}, the deployment is at {limit}: another runner took over"
        else:
            return Decision(stage=1)
        breach = Breach(
            code=code,
            message=message,
            scope=ScopeKind.DEPLOYMENT,
            scope_id=intent.deployment_id,
            observed=observed,
            limit=limit,
        )
        return Decision(stage=1, breaches=(breach,))

    def _collect(self, results: Iterable[Breach | None]) -> tuple[Breach, ...]:
        found = []
        for breach in results:
            if breach is not None:
                found.append(breach)
                if not self._explain:
                    break
        return tuple(found)
