"""One order of the journal: what was asked, what the venue said, what was filled."""

from dataclasses import dataclass
from decimal import Decimal

from ..contracts.enums import OrderState, OrderType, Side, TimeInForce
from ..contracts.events import OrderIntent, OrderUpdated
from ..contracts.ids import client_order_id, order_id
from ..contracts.money import ZERO
from .lifecycle import OrderEvent, transition

_PENDING = frozenset({OrderState.PENDING_CANCEL, OrderState.PENDING_UPDATE})


@dataclass(frozen=True, slots=True)
class FillOutcome:
    """``late``: the order was terminal already; ``overfill``: base units beyond the order's quantity (0 normally).

    Either way the fill belongs into the ledger; an overfill is to be alerted and halts the deployment.
    """

    late: bool
    overfill: Decimal


@dataclass(slots=True, kw_only=True)
class Order:
    """Fields are those of the table ``orders`` (:class:`~millstream.store.models.trading.OrderRow`), enums as enums.

    Quantities are base units, prices the instrument's currency, ``reserved`` the worst-case notional still open in the
    portfolio's currency. ``*_ts`` and ``*_at`` are on the session's clock, ``*_wall`` wall time (UTC ns).
    ``cancel_decided_at`` is 0 unless its strategy asked for its cancel. Every method that changes something bumps
    ``version`` and returns True; an event that is merely old changes nothing and returns False; an impossible one
    raises ``IntegrityError`` and changes nothing.
    """

    order_id: str
    intent_id: str
    deployment_id: str
    portfolio_id: str
    instrument: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    session: str = ""
    leg: str = ""
    parent_order_id: str = ""
    client_order_id: str = ""
    venue_order_id: str = ""
    attempt: int = 0
    filled: Decimal = ZERO
    average_price: Decimal | None = None
    state: OrderState = OrderState.INITIALIZED
    previous_state: OrderState = OrderState.INITIALIZED
    version: int = 0
    reason: str = ""
    reserved: Decimal = ZERO
    decided_at: int = 0
    cancel_decided_at: int = 0
    expires_at: int = 0
    created_ts: int = 0
    updated_ts: int = 0
    intent_wall: int = 0
    journalled_wall: int = 0
    acked_wall: int = 0

    @classmethod
    def from_intent(cls, intent: OrderIntent, *, ts: int, reserved: Decimal = ZERO) -> "Order":
        """The order (state ``initialized``, attempt 0) of an approved intent; ``ts`` is session time."""
        key = order_id(intent.intent_id)
        return cls(
            order_id=key,
            intent_id=intent.intent_id,
            deployment_id=intent.deployment_id,
            portfolio_id=intent.portfolio_id,
            instrument=intent.instrument,
            side=intent.side,
            quantity=intent.quantity,
            order_type=intent.order_type,
            time_in_force=intent.time_in_force,
            reduce_only=intent.reduce_only,
            limit_price=intent.limit_price,
            stop_price=intent.stop_price,
            stop_loss=intent.stop_loss,
            take_profit=intent.take_profit,
            session=intent.session,
            client_order_id=client_order_id(key, 0),
            reserved=reserved,
            decided_at=intent.decided_at,
            expires_at=intent.expires_at,
            created_ts=ts,
            updated_ts=ts,
            intent_wall=intent.occurred_at,
        )

    def protective(
        self,
        leg: str,
        *,
        quantity: Decimal,
        order_type: OrderType,
        ts: int,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> "Order":
        """A reduce-only order of the other side that protects this one's fills, under the same intent.

        ``leg`` (for example ``stop_loss``) makes its id; ``quantity`` is what it protects.
        """
        key = order_id(self.intent_id, leg)
        return Order(
            order_id=key,
            intent_id=self.intent_id,
            deployment_id=self.deployment_id,
            portfolio_id=self.portfolio_id,
            instrument=self.instrument,
            side=self.side.opposite,
            quantity=quantity,
            order_type=order_type,
            reduce_only=True,
            limit_price=limit_price,
            stop_price=stop_price,
            session=self.session,
            leg=leg,
            parent_order_id=self.order_id,
            client_order_id=client_order_id(key, 0),
            decided_at=ts,
            created_ts=ts,
            updated_ts=ts,
        )

    @property
    def remaining(self) -> Decimal:
        """Base units that may still be filled: zero in a terminal state, never negative."""
        return ZERO if self.state.terminal else max(self.quantity - self.filled, ZERO)

    @property
    def working(self) -> bool:
        """Whether the order may still be filled, as far as is known (``unknown`` counts)."""
        return not self.state.terminal

    def submit(self, *, ts: int, wall: int = 0) -> bool:
        """Journalled, about to be sent."""
        changed = self._move(OrderEvent.SUBMITTED, ts)
        self.journalled_wall = wall
        return changed

    def resubmit(self, *, ts: int, wall: int = 0) -> bool:
        """Send again under a new client order id: only after *proof* that the venue did not accept the last one.

        Raises ``IntegrityError`` unless the order is ``unknown``.
        """
        if self.state is not OrderState.UNKNOWN:
            transition(self.state, OrderEvent.SUBMITTED)
        self.attempt += 1
        self.client_order_id = client_order_id(self.order_id, self.attempt)
        return self.submit(ts=ts, wall=wall)

    def deny(self, reason: str, *, ts: int) -> bool:
        """Refused by Millstream before it was sent."""
        return self._move(OrderEvent.DENIED, ts, reason)

    def accept(self, venue_order_id: str, *, ts: int, wall: int = 0) -> bool:
        """The venue acknowledged. After a fill only the venue's id is taken over."""
        self.venue_order_id = self.venue_order_id or venue_order_id
        self.acked_wall = self.acked_wall or wall
        return self._move(OrderEvent.ACCEPTED, ts)

    def reject(self, reason: str, *, ts: int, wall: int = 0) -> bool:
        """The venue definitely refused."""
        self.acked_wall = self.acked_wall or wall
        return self._move(OrderEvent.REJECTED, ts, reason)

    def trigger(self, *, ts: int) -> bool:
        """A stop price traded."""
        return self._move(OrderEvent.TRIGGERED, ts)

    def cancel(self, reason: str, *, ts: int) -> bool:
        """The venue canceled what was open."""
        return self._move(OrderEvent.CANCELED, ts, reason)

    def expire(self, reason: str, *, ts: int) -> bool:
        """The venue ended the order by its time in force."""
        return self._move(OrderEvent.EXPIRED, ts, reason)

    def lose(self, reason: str, *, ts: int) -> bool:
        """The outcome of a send is not known (timeout, 5xx, unparsable). The reservation stays."""
        return self._move(OrderEvent.UNKNOWN, ts, reason)

    def request_cancel(self, *, ts: int) -> bool:
        """A cancel is on its way to the venue."""
        return self._move(OrderEvent.PENDING_CANCEL, ts)

    def refuse_cancel(self, reason: str, *, ts: int) -> bool:
        """The venue did not cancel: back to the state before the request."""
        return self._move(OrderEvent.CANCEL_REFUSED, ts, reason)

    def request_update(self, *, ts: int) -> bool:
        """An amendment is on its way to the venue."""
        return self._move(OrderEvent.PENDING_UPDATE, ts)

    def refuse_update(self, reason: str, *, ts: int) -> bool:
        """The venue did not amend: back to the state before the request."""
        return self._move(OrderEvent.UPDATE_REFUSED, ts, reason)

    def fill(self, quantity: Decimal, price: Decimal, *, ts: int) -> FillOutcome:
        """Add an execution. Call it once per trade id: the ledger tells a redelivery (``FillResult.applied``).

        A fill of a terminal order is taken and flagged ``late``; one beyond the quantity is flagged ``overfill``.
        """
        late = self.state.terminal
        total = self.filled + quantity
        event = OrderEvent.FILL if total >= self.quantity else OrderEvent.PARTIAL_FILL
        after = transition(self.state, event, self.previous_state)
        paid = self.filled * self.average_price if self.average_price is not None else ZERO
        open_before = max(self.quantity - self.filled, ZERO)
        self.average_price = (paid + quantity * price) / total
        self.filled = total
        self._release(open_before, max(self.quantity - total, ZERO))
        self._enter(after, ts)
        return FillOutcome(late=late, overfill=max(total - self.quantity, ZERO))

    def updated(self, *, event_id: str, occurred_at: int, trace_id: str = "") -> OrderUpdated:
        """The event that tells the present state; ``occurred_at`` is wall time (UTC ns)."""
        return OrderUpdated(
            event_id=event_id,
            occurred_at=occurred_at,
            trace_id=trace_id,
            order_id=self.order_id,
            intent_id=self.intent_id,
            client_order_id=self.client_order_id,
            deployment_id=self.deployment_id,
            portfolio_id=self.portfolio_id,
            instrument=self.instrument,
            side=self.side,
            order_type=self.order_type,
            quantity=self.quantity,
            filled=self.filled,
            state=self.state,
            version=self.version,
            ts=self.updated_ts,
            venue_order_id=self.venue_order_id,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            average_price=self.average_price,
            leg=self.leg,
            reason=self.reason,
            session=self.session,
            cancel_decided_at=self.cancel_decided_at,
        )

    def _move(self, event: OrderEvent, ts: int, reason: str = "") -> bool:
        after = transition(self.state, event, self.previous_state)
        if after is self.state:
            return False
        if reason:
            self.reason = reason
        self._enter(after, ts)
        return True

    def _enter(self, after: OrderState, ts: int) -> None:
        if after is not self.state and self.state not in _PENDING:
            self.previous_state = self.state
        self.state = after
        self.version += 1
        self.updated_ts = ts
        if after.terminal:
            self.reserved = ZERO

    def _release(self, open_before: Decimal, open_after: Decimal) -> None:
        if open_before and self.reserved:
            self.reserved = self.reserved * open_after / open_before
