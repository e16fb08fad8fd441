"""From bytes to steps in causal order."""

import pytest
from support.trading import KEY, order, record, slice_of

from millstream.bus.base import Delivery, Record
from millstream.contracts.enums import Side
from millstream.contracts.errors import ConfigurationError
from millstream.contracts.events import Bar, BarOpened, OrderIntent, Watermark
from millstream.execution.failpoints import Failpoints
from millstream.execution.intake import Poison, take_in


def deliveries(*records: Record):
    return [
        Delivery(item.topic, 0, number, item.key, item.value, item.headers, 0) for number, item in enumerate(records)
    ]


def test_an_intent_stands_before_the_open_that_executes_it_and_behind_the_close_it_was_decided_at():
    first, second = slice_of(10, (1, 1, 1, 1)), slice_of(11, (1, 1, 1, 1))
    batch = take_in(deliveries(*map(record, [*first, *second, order(11, Side.BUY, 1)])), 0)
    assert [type(step.event) for step in batch.steps] == [
        BarOpened,
        Bar,
        Watermark,
        OrderIntent,
        BarOpened,
        Bar,
        Watermark,
    ]


def test_intents_of_another_session_do_not_wait_for_this_ones_market():
    batch = take_in(
        deliveries(record(order(11, Side.BUY, 1, session="x")), *map(record, slice_of(20, (1, 1, 1, 1)))), 0
    )
    assert isinstance(batch.steps[-1].event, OrderIntent)


def test_a_price_that_is_no_positive_number_is_poison_without_a_deployment():
    bad = record(slice_of(10, (1, 1, 1, 1))[0])
    batch = take_in(deliveries(Record(bad.topic, KEY, bad.value.replace(b'"open":"1"', b'"open":"-1"'))), 0)
    assert isinstance(batch.steps[0].event, Poison)
    assert batch.steps[0].event.deployment_id == ""


def test_bytes_that_are_no_json_are_poison_with_their_place():
    (step,) = take_in(deliveries(Record("orders.intents", KEY, b"\xff")), 7).steps
    assert isinstance(step.event, Poison)
    assert (step.event.letter.topic, step.event.letter.offset, step.event.letter.occurred_at) == (
        "orders.intents",
        0,
        7,
    )


def test_a_disarmed_failpoint_lets_everything_pass():
    Failpoints("").hit("after_send")


@pytest.mark.parametrize("spec", ["nowhere", "after_send:0", "after_send:x"])
def test_a_failpoint_that_does_not_exist_is_refused(spec):
    with pytest.raises(ConfigurationError, match="not a failpoint"):
        Failpoints(spec)
