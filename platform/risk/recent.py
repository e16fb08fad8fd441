"""Recent intents, to recognise an order that was sent twice under two ids."""

from decimal import Decimal

from ..contracts.enums import OrderType, Side
from ..contracts.events import OrderIntent

Likeness = tuple[str, str, Side, OrderType, Decimal, Decimal | None, Decimal | None]


def likeness(intent: OrderIntent) -> Likeness:
    """What two intents share when one is taken for a repetition of the other."""
    return (
        intent.deployment_id,
        intent.instrument,
        intent.side,
        intent.order_type,
        intent.quantity,
        intent.limit_price,
        intent.stop_price,
    )


class RecentIntents:
    """When an intent of each likeness was last let through (session clock, UTC ns)."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[Likeness, tuple[int, str]] = {}

    def remember(self, intent: OrderIntent, now: int) -> None:
        """Note an intent that was let through at ``now``."""
        self._seen[likeness(intent)] = (now, intent.intent_id)

    def last(self, intent: OrderIntent) -> tuple[int, str] | None:
        """Time and id of the last intent like this one, other than itself."""
        seen = self._seen.get(likeness(intent))
        return None if seen is None or seen[1] == intent.intent_id else seen

    def forget_before(self, ts: int) -> None:
        """Drop what was let through before ``ts``, to stay small."""
        self._seen = {key: seen for key, seen in self._seen.items() if seen[0] >= ts}
