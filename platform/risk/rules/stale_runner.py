"""STALE_RUNNER: only the runner that holds the deployment's lease may trade."""

from ...contracts.enums import RejectCode
from ...contracts.events import IntentBase
from ..decision import Breach
from ..view import CommonView
from .base import Rule, deployment_breach


class StaleRunner(Rule[CommonView]):
    """An epoch newer than the known one is as wrong as an older one.

    An intent of an earlier epoch stands when its slice was checkpointed under that epoch: its runner held the lease
    when it decided, and the runner that took over does not decide that slice again.
    """

    codes = (RejectCode.STALE_RUNNER,)
    stages = (1, 2)

    def check(self, intent: IntentBase, view: CommonView) -> Breach | None:
        deployment = view.deployment
        epoch = None if deployment is None else deployment.epoch
        if intent.epoch == epoch:
            return None
        if deployment is not None and intent.epoch < deployment.epoch and intent.decided_at <= deployment.decided_ts:
            return None
        return deployment_breach(
            intent,
            RejectCode.STALE_RUNNER,
            f"the runner holds epoch {intent.epoch}, the deployment is at {epoch}: another runner took over",
            observed=str(intent.epoch),
            limit=str(epoch),
        )
