"""DUPLICATE_INTENT: the same side, quantity and prices again inside a window (the inbox answers repeated *ids*)."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ...contracts.time import SECOND
from ..decision import Breach
from ..view import InstrumentView
from .base import Rule, deployment_breach, required_ns


class DuplicateIntent(Rule[InstrumentView]):
    """Looks at what was let through; a window of 0 switches it off."""

    codes = (RejectCode.DUPLICATE_INTENT,)
    limits = ("dup_window_ns",)
    stages = (1,)

    def check(self, intent: OrderIntent, view: InstrumentView) -> Breach | None:
        window = required_ns(view.limits.dup_window_ns, "dup_window_ns")
        last = view.recent.last(intent)
        if last is None or view.now - last[0] >= window:
            return None
        since = f"{(view.now - last[0]) / SECOND:.3f} s"
        return deployment_breach(
            intent,
            RejectCode.DUPLICATE_INTENT,
            f"the same order was asked for {since} ago as intent {last[1]}",
            observed=since,
            limit=f"{window / SECOND:.3f} s",
        )
