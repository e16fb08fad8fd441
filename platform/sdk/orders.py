"""The orders a strategy has working, as its host and its context see them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..contracts.enums import OrderType, Side
from ..contracts.events import OrderFilled, OrderIntent, OrderUpdated
from ..contracts.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingOrder:
    """An order that was asked for and has not ended. ``id`` is the id of its intent; quantities are in base units.

    ``decided_at`` is the market time of the decision (UTC ns).
    """

    id: str
    instrument: str
    side: Side
    quantity: Decimal
    filled: Decimal = ZERO
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    decided_at: int = 0
    tag: str = ""

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @classmethod
    def of(cls, intent: OrderIntent) -> "WorkingOrder":
        return cls(
            id=intent.intent_id,
            instrument=intent.instrument,
            side=intent.side,
            quantity=intent.quantity,
            order_type=intent.order_type,
            limit_price=intent.limit_price,
            stop_price=intent.stop_price,
            decided_at=intent.decided_at,
            tag=intent.tag,
        )


class OrderBook:
    """Working orders by intent id. Only fills reduce what is working, so that position plus working never jumps.

    An order update or rejection that arrives before the fills it contains cuts the order to the quantity it reports as
    filled: what is left closes with those fills.
    """

    def __init__(self) -> None:
        self._orders: dict[str, WorkingOrder] = {}

    def add(self, order: WorkingOrder) -> None:
        self._orders[order.id] = order

    def get(self, intent_id: str) -> WorkingOrder | None:
        return self._orders.get(intent_id)

    def fill(self, fill: OrderFilled) -> None:
        order = self._orders.get(fill.intent_id)
        if order is not None and not fill.leg:
            self._keep(replace(order, filled=order.filled + fill.quantity))

    def update(self, update: OrderUpdated) -> None:
        order = self._orders.get(update.intent_id)
        if order is not None and not update.leg and update.state.terminal:
            self._keep(replace(order, quantity=update.filled))

    def reject(self, intent_id: str) -> None:
        self._orders.pop(intent_id, None)

    def keep_only(self, orders: Iterable[WorkingOrder]) -> None:
        """Replace the book by ``orders``."""
        self._orders = {order.id: order for order in orders}

    def working(self, instrument: str) -> Decimal:
        """Signed quantity that is working, without protective orders."""
        return sum(
            (order.side.sign * order.remaining for order in self._orders.values() if order.instrument == instrument),
            ZERO,
        )

    def of(self, instrument: str | None = None) -> tuple[WorkingOrder, ...]:
        """Working orders in the order in which they were made."""
        return tuple(order for order in self._orders.values() if instrument in {None, order.instrument})

    def _keep(self, order: WorkingOrder) -> None:
        if order.remaining > 0:
            self._orders[order.id] = order
        else:
            del self._orders[order.id]
