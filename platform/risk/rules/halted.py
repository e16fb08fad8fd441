"""HALTED and REDUCE_ONLY: the kill switch. HALTED stops everything, REDUCE_ONLY what could open risk."""

from ...contracts.enums import HaltState, RejectCode
from ...contracts.events import OrderIntent
from ..decision import Breach
from ..exposure import reduces
from ..halts import Halt
from ..view import CommonView, PortfolioView
from .base import Rule


class Halted(Rule[CommonView]):
    """Stops every order, reducing ones too."""

    codes = (RejectCode.HALTED,)
    stages = (1, 2)

    def check(self, intent: OrderIntent, view: CommonView) -> Breach | None:
        halt = effective(intent, view)
        if halt is None or halt.state is not HaltState.HALTED:
            return None
        return _breach(halt, RejectCode.HALTED, "no order is sent")


class ReduceOnly(Rule[PortfolioView]):
    """``reserved`` says that the intent's own order stands among the reservations already (the executor's check)."""

    codes = (RejectCode.REDUCE_ONLY,)
    stages = (2,)

    def __init__(self, *, reserved: bool = False) -> None:
        self._reserved = reserved

    def check(self, intent: OrderIntent, view: PortfolioView) -> Breach | None:
        halt = effective(intent, view)
        if halt is None or halt.state is not HaltState.REDUCE_ONLY or reduces(intent, view, reserved=self._reserved):
            return None
        return _breach(halt, RejectCode.REDUCE_ONLY, "only orders that make a position smaller are sent")


def effective(intent: OrderIntent, view: CommonView) -> Halt | None:
    """The strictest halt that covers the intent."""
    return view.halts.effective(
        portfolio_id=intent.portfolio_id, deployment_id=intent.deployment_id, instrument=intent.instrument
    )


def _breach(halt: Halt, code: RejectCode, consequence: str) -> Breach:
    where = f"{halt.scope.value} {halt.scope_id}".strip()
    why = f" ({halt.reason})" if halt.reason else ""
    message = f"{where} is {halt.state.value}{why}: {consequence}"
    return Breach(
        code=code, message=message, scope=halt.scope, scope_id=halt.scope_id, observed=halt.state.value, limit="active"
    )
