"""INTENT_EXPIRED: an intent lives until ``expires_at`` on the session's clock."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ...contracts.time import SECOND, iso
from ..decision import Breach
from ..view import CommonView
from .base import Rule, deployment_breach


class IntentExpired(Rule[CommonView]):
    """Passes up to and including ``expires_at``."""

    codes = (RejectCode.INTENT_EXPIRED,)
    stages = (1, 2)

    def check(self, intent: OrderIntent, view: CommonView) -> Breach | None:
        if view.now <= intent.expires_at:
            return None
        late = (view.now - intent.expires_at) / SECOND
        return deployment_breach(
            intent,
            RejectCode.INTENT_EXPIRED,
            f"the intent expired {late:.3f} s ago",
            observed=iso(view.now),
            limit=iso(intent.expires_at),
        )
