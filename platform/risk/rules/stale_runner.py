"""STALE_RUNNER: only the runner that holds the deployment's newest epoch may trade."""

from ...contracts.enums import RejectCode, ScopeKind
from ...contracts.events import IntentBase
from ..decision import Breach
from ..view import CommonView
from .base import Rule


class StaleRunner(Rule[CommonView]):
    """An epoch newer than the known one is as wrong as an older one."""

    codes = (RejectCode.STALE_RUNNER,)
    stages = (1, 2)

    def check(self, intent: IntentBase, view: CommonView) -> Breach | None:
        epoch = None if view.deployment is None else view.deployment.epoch
        if intent.epoch == epoch:
            return None
        return Breach(
            code=RejectCode.STALE_RUNNER,
            message=f"the runner holds epoch {intent.epoch}, the deployment is at {epoch}: another runner took over",
            scope=ScopeKind.DEPLOYMENT,
            scope_id=intent.deployment_id,
            observed=str(intent.epoch),
            limit=str(epoch),
        )
