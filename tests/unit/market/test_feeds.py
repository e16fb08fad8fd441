import pytest

from millstream.bus.base import TopicPartitionOffset
from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import InputError, RetriableError
from millstream.market.feeds import FeedContext, create_feed, feed_names, register_feed
from millstream.market.feeds.base import persistent, wire
from millstream.market.feeds.simulated import SimulatedFeed
from millstream.market.service import parse_feed


def test_feeds_are_known_by_name():
    assert {"replay", "simulated"} <= set(feed_names())
    assert isinstance(parse_feed("simulated:seed=7,speed=2", "", ManualClock()), SimulatedFeed)


def test_unknown_feed_is_answered_with_the_near_match():
    with pytest.raises(InputError) as failure:
        create_feed("simulatd", FeedContext("", ManualClock()))
    assert "simulated" in failure.value.hint
    with pytest.raises(InputError) as failure:
        create_feed("zzz", FeedContext("", ManualClock()))
    assert "replay" in failure.value.hint


@pytest.mark.parametrize("text", ["simulated:seed", "simulated:sed=1", "simulated:seed=x", "simulated:speed=0"])
def test_wrong_option_is_refused(text: str):
    with pytest.raises(InputError):
        parse_feed(text, "", ManualClock())


def test_name_is_registered_once():
    with pytest.raises(ValueError, match="already"):
        register_feed("replay")(lambda _context: SimulatedFeed(ManualClock()))


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (46319.0, "46319.0"), (1e-05, "0.00001"), (1 / 3, repr(1 / 3))]
)
def test_price_on_the_wire_is_the_shortest_text_of_the_float(value: float, text: str):
    assert format(wire(value), "f") == text
    assert float(wire(value)) == value


async def test_publishing_goes_on_through_an_outage_but_not_for_ever():
    clock = ManualClock()
    failures = 3

    async def publish(_events):
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise RetriableError("down")
        return [TopicPartitionOffset("t", 0, 1)]

    assert await persistent(publish, clock)([]) == [("t", 0, 1)]
    failures = 10**6
    with pytest.raises(RetriableError):
        await persistent(publish, clock, patience=5.0)([])
