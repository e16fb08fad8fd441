"""Stop-loss and take-profit: when they are set, sized, replaced and ended."""

from decimal import Decimal

import pytest
from support.trading import DAY, KEY, PORTFOLIO, order

from millstream.contracts.enums import OrderState, OrderType, Side
from millstream.contracts.errors import InputError
from millstream.contracts.events import OrderFilled, OrderUpdated
from millstream.execution.order import Order
from millstream.execution.protection import Bracket, Protection, bracket_after, wanted_legs

BOTH = Bracket(intent_id="i", stop_loss=Decimal("0.05"), take_profit=Decimal("0.1"))


def entry(side, **fields):
    return Order.from_intent(order(11, side, 10, **fields), ts=11 * DAY)


def test_the_legs_of_a_long_position_lie_around_its_entry_price_and_the_stop_comes_first():
    legs = wanted_legs(BOTH, Decimal(10), Decimal("100.01"), Decimal("0.01"))
    assert [(leg.order_type, leg.price, leg.quantity) for leg in legs] == [
        (OrderType.STOP, Decimal("95.01"), 10),
        (OrderType.LIMIT, Decimal("110.01"), 10),
    ]


def test_the_legs_of_a_short_position_are_mirrored():
    legs = wanted_legs(BOTH, Decimal(-10), Decimal(100), Decimal("0.01"))
    assert [leg.price for leg in legs] == [Decimal(105), Decimal(90)]


def test_a_flat_position_has_no_legs():
    assert wanted_legs(BOTH, Decimal(0), Decimal(100), Decimal("0.01")) == ()


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [(0, 0, False), (10, 0, False), (10, 5, True), (10, -5, False), (10, 20, True), (0, 10, False)],
)
def test_an_order_without_fractions_keeps_the_bracket_of_a_position_that_stays_on_its_side(before, after, kept):
    got = bracket_after(BOTH, entry(Side.BUY), Decimal(before), Decimal(after), Protection())
    assert (got is BOTH) is kept
    assert kept or got is None


def test_an_order_that_adds_replaces_the_fractions_and_one_that_reduces_does_not():
    adding = entry(Side.BUY, stop_loss=Decimal("0.02"))
    assert bracket_after(BOTH, adding, Decimal(10), Decimal(20), Protection()).stop_loss == Decimal("0.02")
    assert bracket_after(BOTH, adding, Decimal(10), Decimal(5), Protection()) is BOTH


def test_the_deployment_protects_entries_that_say_nothing():
    got = bracket_after(None, entry(Side.BUY), Decimal(0), Decimal(10), Protection(stop_loss=Decimal("0.03")))
    assert got.stop_loss == Decimal("0.03")


@pytest.mark.parametrize("values", [{"stop_loss": "-1"}, {"stop_loss": "x"}, {"stoploss": "0.1"}])
def test_a_protection_that_cannot_be_is_refused(values):
    with pytest.raises(InputError, match="protection"):
        Protection.from_mapping(values)


def working_legs(market):
    return {
        item.leg: (item.quantity, item.state)
        for item in market.core.state.orders
        if item.leg and item.state is OrderState.ACCEPTED
    }


def test_legs_are_replaced_when_the_position_grows_and_canceled_when_it_closes(protected):
    market, day = protected
    assert working_legs(market) == {"stop_loss": (10, OrderState.ACCEPTED), "take_profit": (10, OrderState.ACCEPTED)}
    market.intent(order(12, Side.BUY, 5))
    day(market, 12, (100, 101, 99, 100))
    assert working_legs(market) == {
        "stop_loss.1": (15, OrderState.ACCEPTED),
        "take_profit.1": (15, OrderState.ACCEPTED),
    }
    market.intent(order(13, Side.SELL, 15))
    events = day(market, 13, (100, 101, 99, 100))
    assert working_legs(market) == {}
    assert market.core.state.position(PORTFOLIO, KEY) == 0
    assert [event.state for event in events if isinstance(event, OrderUpdated) and event.leg][-1] is OrderState.CANCELED


def test_a_flip_cancels_the_old_legs_and_protects_the_new_side(protected):
    market, day = protected
    market.intent(order(12, Side.SELL, 20, stop_loss=Decimal("0.02")))
    day(market, 12, (100, 101, 99, 100))
    (stop,) = [item for item in market.core.state.orders if item.leg]
    assert (stop.side, stop.stop_price, stop.quantity) == (Side.BUY, Decimal(102), 10)


def test_only_one_leg_executes_in_a_bar_that_touches_both_prices_and_it_is_the_stop(protected):
    market, day = protected
    events = day(market, 12, (100, 120, 80, 100))
    fills = [event for event in events if isinstance(event, OrderFilled)]
    assert [(fill.leg, fill.price, fill.quantity) for fill in fills] == [("stop_loss", Decimal(95), 10)]
    assert market.core.state.orders.working == {}
