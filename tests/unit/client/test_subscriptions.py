import json

import pytest

from millstream.client.subscriptions import Feed, LiveEvent, Refused, Snapshot, Subscription
from millstream.contracts.errors import IntegrityError


def event(seq, topic="orders"):
    return json.dumps({"op": "event", "seq": seq, "topic": topic, "event": {"n": seq}})


def snapshot(name, seq, epoch="e1", items=()):
    return json.dumps({"op": "snapshot", "id": name, "topic": "orders", "epoch": epoch, "seq": seq, "items": items})


def resumed(name):
    return json.dumps({"op": "resumed", "id": name})


def given(feed, *frames):
    return [update.seq for frame in frames if isinstance(update := feed.take(frame)[0], LiveEvent)]


def resumes(feed):
    return {frame["id"]: frame.get("resume", {}).get("seq") for frame in map(json.loads, feed.greeting())}


@pytest.fixture
def feed():
    return Feed.of([Subscription(topic="orders", deployment=["a"])])


@pytest.fixture
def two():
    return Feed.of([Subscription(topic="orders", id="one"), Subscription(topic="orders", id="two")])


def test_a_first_greeting_subscribes_with_the_given_filters(feed):
    [frame] = map(json.loads, feed.greeting())
    assert frame == {"op": "subscribe", "id": "orders", "topic": "orders", "filter": {"deployment": ["a"]}}


def test_subscriptions_without_an_id_get_different_ones():
    feed = Feed.of([Subscription(topic="fills"), Subscription(topic="fills"), Subscription(topic="halts")])
    assert list(feed.positions) == ["fills", "fills-2", "halts"]


def test_a_snapshot_then_events_are_given_and_the_next_connection_goes_on_after_them(feed):
    feed.greeting()
    assert feed.take(snapshot("orders", 5, items=[{"n": 1}]))[0] == Snapshot("orders", "orders", ({"n": 1},))
    assert feed.take(event(6))[0] == LiveEvent("orders", {"n": 6}, 6)
    [frame] = map(json.loads, feed.greeting())
    assert frame["resume"] == {"epoch": "e1", "seq": 6}


def test_an_event_that_comes_again_is_given_once(feed):
    feed.take(snapshot("orders", 5))
    assert given(feed, event(6), event(7)) == [6, 7]
    feed.greeting()
    assert given(feed, resumed("orders"), event(6), event(7), event(8)) == [8]


def test_events_of_one_subscription_make_no_hole_in_another_that_is_still_catching_up(two):
    two.greeting()
    two.take(snapshot("one", 10))
    two.take(snapshot("two", 10))
    two.greeting()
    assert given(two, resumed("one"), event(11), event(15)) == [11, 15]
    assert resumes(two) == {"one": 15, "two": 10}
    assert given(two, resumed("one"), resumed("two"), event(12), event(14), event(15)) == [12, 14]
    assert resumes(two) == {"one": 15, "two": 15}


def test_a_ping_is_answered_and_moves_quiet_subscriptions_on(feed):
    feed.take(snapshot("orders", 5))
    given(feed, event(6))
    assert feed.take('{"op":"ping","seq":90}') == (None, '{"op":"pong"}')
    assert resumes(feed) == {"orders": 90}
    assert feed.seen == set()


def test_a_ping_before_the_server_answered_moves_nothing(feed):
    feed.take(snapshot("orders", 5))
    feed.greeting()
    feed.take('{"op":"ping","seq":90}')
    assert resumes(feed) == {"orders": 5}


def test_a_gateway_that_started_anew_gives_low_numbers_again(feed):
    feed.take(snapshot("orders", 5))
    assert given(feed, event(6)) == [6]
    feed.greeting()
    assert isinstance(feed.take(snapshot("orders", 2, epoch="e2"))[0], Snapshot)
    assert given(feed, event(6)) == [6]


def test_a_refusal_is_given_with_its_code(feed):
    refused = '{"op":"error","id":"orders","code":"UNKNOWN","message":"no such topic"}'
    assert feed.take(refused)[0] == Refused("orders", "UNKNOWN", "no such topic")


def test_frames_of_a_newer_server_are_passed_over(feed):
    assert feed.take('{"op":"weather","id":"orders"}') == (None, None)


def test_an_answer_to_what_nobody_asked_is_an_integrity_error(feed):
    with pytest.raises(IntegrityError, match="nobody made"):
        feed.take(snapshot("other", 1))
