from collections.abc import Callable
from decimal import Decimal
from itertools import permutations

import pytest

from millstream.contracts.enums import OrderState, OrderType, Side
from millstream.contracts.errors import IntegrityError
from millstream.contracts.events import OrderIntent
from millstream.contracts.ids import client_order_id, order_id
from millstream.contracts.instrument import Instrument
from millstream.execution.order import Order
from millstream.portfolio.ledger import Fill, Ledger

D = Decimal

INSTRUMENTS = {"X:A": Instrument(exchange="X", symbol="A", currency="USD")}


def order(quantity: str = "10", **fields: object) -> Order:
    item = Order(
        order_id="o", intent_id="i", deployment_id="d", portfolio_id="p", instrument="X:A", side=Side.BUY,
        quantity=D(quantity), client_order_id=client_order_id("o" * 32, 0), reserved=D(1000), **fields,
    )  # fmt: skip
    item.submit(ts=1, wall=5)
    return item


def test_an_order_from_an_intent_has_derived_ids_and_all_its_terms():
    intent = OrderIntent(
        event_id="e", occurred_at=9, intent_id="i", idempotency_key="i", deployment_id="d", epoch=1, portfolio_id="p",
        instrument="X:A", risk_key="p:X:A", decided_at=2, expires_at=30, side=Side.SELL, quantity=D(3),
        order_type=OrderType.LIMIT, limit_price=D(7), stop_loss=D("0.1"), session="replay-1",
    )  # fmt: skip
    item = Order.from_intent(intent, ts=4, reserved=D(21))
    assert item.order_id == order_id("i")
    assert item.client_order_id == client_order_id(item.order_id, 0)
    assert (item.state, item.version, item.intent_wall, item.created_ts) == (OrderState.INITIALIZED, 0, 9, 4)
    assert (item.limit_price, item.stop_loss, item.session, item.reserved) == (7, D("0.1"), "replay-1", 21)


def test_partial_fills_average_the_price_and_release_the_reservation():
    item = order()
    item.accept("v1", ts=2, wall=6)
    item.fill(D(4), D(100), ts=3)
    assert (item.state, item.remaining, item.reserved) == (OrderState.PARTIALLY_FILLED, 6, 600)
    outcome = item.fill(D(6), D(110), ts=4)
    assert (item.state, item.average_price, item.reserved) == (OrderState.FILLED, 106, 0)
    assert (outcome.late, outcome.overfill, item.version, item.updated_ts) == (False, 0, 4, 4)


def test_a_fill_after_cancel_is_taken_and_flagged_late():
    item = order()
    item.accept("v1", ts=2)
    item.cancel("by request", ts=3)
    assert item.fill(D(4), D(100), ts=4).late
    assert (item.state, item.filled, item.remaining) == (OrderState.CANCELED, 4, 0)


def test_an_overfill_is_taken_and_flagged():
    item = order()
    item.fill(D(8), D(100), ts=2)
    outcome = item.fill(D(5), D(100), ts=3)
    assert (outcome.overfill, item.filled, item.remaining, item.state) == (3, 13, 0, OrderState.FILLED)


def test_unknown_keeps_the_reservation_and_is_resent_under_the_next_attempt():
    item = order()
    item.lose("timeout", ts=2)
    assert (item.reserved, item.remaining, item.working) == (1000, 10, True)
    item.resubmit(ts=3, wall=8)
    assert (item.state, item.attempt, item.client_order_id[-2:]) == (OrderState.SUBMITTED, 1, "01")


@pytest.mark.parametrize("prepare", [lambda item: None, lambda item: item.accept("v", ts=2)])
def test_resubmit_of_an_order_that_is_not_unknown_is_refused(prepare: Callable[[Order], object]):
    item = order()
    prepare(item)
    with pytest.raises(IntegrityError):
        item.resubmit(ts=3)
    assert item.attempt == 0


def test_a_refused_cancel_restores_the_state_before():
    item = order()
    item.accept("v1", ts=2)
    item.fill(D(4), D(100), ts=3)
    item.request_cancel(ts=4)
    assert item.state is OrderState.PENDING_CANCEL
    item.refuse_cancel("too late", ts=5)
    assert (item.state, item.reason) == (OrderState.PARTIALLY_FILLED, "too late")


def test_an_old_event_changes_nothing_and_an_impossible_one_raises():
    item = order()
    item.fill(D(10), D(1), ts=2)
    version = item.version
    assert not item.accept("v1", ts=3)
    assert not item.lose("timeout", ts=3)
    assert (item.version, item.venue_order_id) == (version, "v1")
    with pytest.raises(IntegrityError):
        item.reject("no", ts=4)
    assert item.state is OrderState.FILLED


def test_a_protective_order_reduces_the_other_side_under_the_same_intent():
    leg = order().protective("stop_loss", quantity=D(4), order_type=OrderType.STOP, ts=9, stop_price=D(90))
    assert (leg.side, leg.reduce_only, leg.parent_order_id, leg.leg) == (Side.SELL, True, "o", "stop_loss")
    assert leg.order_id == order_id("i", "stop_loss")


def test_the_update_event_tells_state_and_version():
    item = order()
    item.accept("v1", ts=2)
    event = item.updated(event_id="e", occurred_at=3)
    assert (event.state, event.version, event.venue_order_id, event.ts) == (OrderState.ACCEPTED, 2, "v1", 2)


def _fill(number: int, quantity: str, price: str) -> Fill:
    return Fill(
        venue="v", account="a", trade_id=str(number), instrument="X:A", side=Side.BUY, quantity=D(quantity),
        price=D(price), fee=D(0), fee_currency="USD", ts=number,
    )  # fmt: skip


Step = Callable[[Order, Ledger], None]


def _filled(number: int, quantity: str, price: str) -> Step:
    fill = _fill(number, quantity, price)

    def step(item: Order, ledger: Ledger) -> None:
        if ledger.apply_fill(fill).applied:
            item.fill(fill.quantity, fill.price, ts=fill.ts)

    return step


ACK: Step = lambda item, ledger: item.accept("v1", ts=9)  # noqa: E731
LOST: Step = lambda item, ledger: item.lose("timeout", ts=9)  # noqa: E731
TRIGGER: Step = lambda item, ledger: item.trigger(ts=9)  # noqa: E731
CANCEL: Step = lambda item, ledger: item.cancel("", ts=9)  # noqa: E731
EXPIRE: Step = lambda item, ledger: item.expire("", ts=9)  # noqa: E731
REJECT: Step = lambda item, ledger: item.reject("", ts=9)  # noqa: E731
FOUR, SIX, TEN = _filled(1, "4", "100"), _filled(2, "6", "110"), _filled(3, "10", "100")


@pytest.mark.parametrize(
    ("steps", "state", "filled"),
    [
        ((ACK, FOUR, SIX, FOUR, SIX, ACK), OrderState.FILLED, 10),
        ((ACK, FOUR, FOUR, CANCEL, CANCEL, LOST), OrderState.CANCELED, 4),
        ((ACK, FOUR, SIX, CANCEL, LOST, TRIGGER), OrderState.FILLED, 10),
        ((ACK, TRIGGER, FOUR, EXPIRE, ACK, FOUR), OrderState.EXPIRED, 4),
        ((ACK, TEN, TEN, CANCEL, TRIGGER, ACK), OrderState.FILLED, 10),
        ((ACK, CANCEL, LOST, ACK, CANCEL, LOST), OrderState.CANCELED, 0),
        ((ACK, LOST, REJECT, REJECT), OrderState.REJECTED, 0),
        ((ACK, TRIGGER, ACK), OrderState.TRIGGERED, 0),
    ],
)
@pytest.mark.parametrize("pending", [False, True])
def test_venue_events_converge_in_every_order(steps: tuple[Step, ...], state: OrderState, filled: int, pending: bool):
    for sequence in set(permutations(steps)):
        item, ledger = order(), Ledger("p", "USD", INSTRUMENTS)
        if pending and state.terminal:
            item.request_cancel(ts=2)
        for step in sequence:
            step(item, ledger)
        assert (item.state, item.filled) == (state, filled)
        assert ledger.quantity("X:A") == item.filled
        assert item.reserved == (0 if state.terminal else 1000)


def test_accepted_and_partly_filled_converge_whatever_comes_late():
    for sequence in permutations((ACK, LOST, FOUR, FOUR, TRIGGER)):
        item, ledger = order(), Ledger("p", "USD", INSTRUMENTS)
        for step in sequence:
            step(item, ledger)
        assert (item.state, item.filled, item.reserved) == (OrderState.PARTIALLY_FILLED, 4, 600)
