import pytest
from support.live import Rig, order, principal, quote

from millstream.contracts.codec import encode
from millstream.contracts.enums import HaltState, OrderState, RunnerState, ScopeKind
from millstream.contracts.events import HaltChanged, RunnerStateChanged
from millstream.gateway.live.hub import RefusedError
from millstream.gateway.live.message import HEADROOM
from millstream.gateway.live.protocol import CloseCode, Limits
from millstream.gateway.live.topics import tell


def halt(scope, scope_id="", at=1, state=HaltState.HALTED):
    return HaltChanged(
        event_id=f"{scope}:{scope_id}/{at}",
        occurred_at=at,
        scope=scope,
        scope_id=scope_id,
        state=state,
        actor="ann",
        reason="test",
    )


def runner(deployment, at, state=RunnerState.RUNNING):
    return RunnerStateChanged(
        event_id=f"{deployment}/{at}", occurred_at=at, deployment_id=deployment, epoch=1, state=state
    )


def test_every_event_of_every_topic_has_the_next_number(rig):
    screen = rig.screen()
    screen.subscribe("orders", "a")
    screen.subscribe("prices", "b")
    rig.publish(order("o1"), quote("SAMPLE:AAPL", 1), order("o2"))
    assert [(message["topic"], message["seq"]) for message in screen.got("event")] == [
        ("orders", 1),
        ("prices", 2),
        ("orders", 3),
    ]


def test_all_subscribers_get_the_same_frame_and_the_bytes_of_the_bus_stand_in_it(rig):
    first, second = rig.screen("ann"), rig.screen("bob")
    first.subscribe("orders")
    second.subscribe("orders", filter={"deployment": ["d1"]})
    event = order()
    rig.publish(event)
    assert first.wire.frames[-1] is second.wire.frames[-1]
    assert encode(event) in bytes(first.wire.frames[-1][HEADROOM:])


def test_a_snapshot_is_the_state_up_to_its_number_and_the_first_delta_comes_after_it(rig):
    rig.publish(order("o1", 1), order("o1", 2), order("o2", 1))
    screen = rig.screen()
    screen.subscribe("orders")
    rig.publish(order("o2", 2))
    snapshot = screen.got("snapshot")[0]
    assert (snapshot["id"], snapshot["topic"], snapshot["epoch"], snapshot["seq"]) == ("a", "orders", rig.hub.epoch, 3)
    assert [item["event_id"] for item in snapshot["items"]] == ["o1/2", "o2/1"]
    assert [message["seq"] for message in screen.got("event")] == [4]


def test_old_news_is_not_told_again_and_takes_no_number(rig):
    screen = rig.screen()
    screen.subscribe("orders")
    rig.publish(order("o1", 2), order("o1", 2), order("o1", 1), order("o1", 3))
    assert screen.events == ["o1/2", "o1/3"]
    assert rig.hub.seq == 2


def test_a_snapshot_shared_within_a_moment_is_followed_by_the_events_since(rig):
    rig.publish(order("o1"))
    first, second, later = rig.screen("ann"), rig.screen("bob"), rig.screen("eve")
    first.subscribe("orders")
    rig.publish(order("o2"))
    second.subscribe("orders")
    assert [item["event_id"] for item in second.got("snapshot")[0]["items"]] == ["o1/1"]
    assert second.events == ["o2/1"]
    rig.clock.advance(1)
    later.subscribe("orders")
    assert [item["event_id"] for item in later.got("snapshot")[0]["items"]] == ["o1/1", "o2/1"]
    assert later.events == []


def test_a_snapshot_has_the_newest_and_whatever_works(rig):
    rig = Rig(Limits(snapshot_items=2))
    rig.publish(
        order("old", state=OrderState.FILLED),
        order("works"),
        *(order(f"o{n}", state=OrderState.FILLED) for n in range(4)),
    )
    screen = rig.screen()
    screen.subscribe("orders")
    assert [item["order_id"] for item in screen.got("snapshot")[0]["items"]] == ["works", "o2", "o3"]


def test_a_client_that_comes_back_gets_what_it_missed_and_no_snapshot(rig):
    rig.publish(order("o1"), order("o2", deployment_id="d2"), order("o3"), order("o4"))
    screen = rig.screen()
    screen.subscribe("orders", filter={"deployment": ["d1"]}, resume={"epoch": rig.hub.epoch, "seq": 1})
    assert [message["op"] for message in screen.wire.sent] == ["event", "event", "resumed"]
    assert screen.events == ["o3/1", "o4/1"]
    assert screen.got("resumed")[0]["seq"] == 4


@pytest.mark.parametrize("missed", ["too much", "another epoch", "the future"])
def test_a_client_that_cannot_resume_gets_a_snapshot(missed):
    rig = Rig(Limits(ring_messages=2))
    rig.publish(*(order(f"o{number}") for number in range(5)))
    position = {
        "too much": {"epoch": rig.hub.epoch, "seq": 1},
        "another epoch": {"epoch": "0" * 16, "seq": 4},
        "the future": {"epoch": rig.hub.epoch, "seq": 99},
    }[missed]
    screen = rig.screen()
    screen.subscribe("orders", resume=position)
    assert [message["op"] for message in screen.wire.sent] == ["snapshot"]
    assert len(screen.wire.sent[0]["items"]) == 5


def test_the_ring_of_a_topic_is_not_emptied_by_another(rig):
    rig = Rig(Limits(ring_messages=3))
    rig.publish(order("o1"), *(quote("SAMPLE:AAPL", number) for number in range(1, 20)))
    screen = rig.screen()
    screen.subscribe("orders", resume={"epoch": rig.hub.epoch, "seq": 0})
    assert screen.events == ["o1/1"]


def test_an_event_of_two_subscriptions_comes_once_live_and_after_a_resumption(rig):
    screen = rig.screen()
    screen.subscribe("orders", "a")
    screen.subscribe("orders", "b", filter={"deployment": ["d1"]})
    rig.publish(order("o1"), order("o2"))
    screen.subscribe("orders", "c", filter={"portfolio": ["p1"]}, resume={"epoch": rig.hub.epoch, "seq": 0})
    assert screen.events == ["o1/1", "o2/1"]


def test_the_other_subscription_stays_when_one_of_two_equal_ones_ends(rig):
    screen = rig.screen()
    screen.subscribe("orders", "a")
    screen.subscribe("orders", "b")
    screen.ask(op="unsubscribe", id="a")
    rig.publish(order("o1"))
    screen.ask(op="unsubscribe", id="b")
    rig.publish(order("o2"))
    assert screen.events == ["o1/1"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["o1/1", "o2/1", "o3/1"]),
        ({"portfolio": ["p1"]}, ["o1/1", "o2/1"]),
        ({"deployment": ["d2", "d3"]}, ["o2/1", "o3/1"]),
        ({"instrument": ["SAMPLE:MSFT"]}, ["o3/1"]),
        ({"session": ["replay-1"]}, ["o3/1"]),
        ({"portfolio": ["p1"], "deployment": ["d2", "d3"]}, ["o2/1"]),
        ({"portfolio": ["p1"], "instrument": ["SAMPLE:MSFT"]}, []),
    ],
)
def test_a_filter_lets_through_what_matches_all_its_lists(rig, wanted, expected):
    screen = rig.screen()
    screen.subscribe("orders", filter=wanted)
    orders = (
        order("o1"),
        order("o2", deployment_id="d2"),
        order("o3", deployment_id="d3", portfolio_id="p2", instrument="SAMPLE:MSFT", session="replay-1"),
    )
    rig.publish(*orders)
    rig.clock.advance(1)
    late = rig.screen()
    late.subscribe("orders", filter=wanted)
    assert screen.events == expected
    assert [item["event_id"] for item in late.got("snapshot")[0]["items"]] == expected


def test_a_person_with_portfolios_sees_those_and_prices_and_what_concerns_all(rig):
    screen = rig.screen("bob", "p2")
    for topic in ("orders", "runners", "halts", "prices"):
        screen.subscribe(topic, topic)
    rig.publish(
        order("o1"),
        order("o3", portfolio_id="p2", deployment_id="d3"),
        runner("d1", 1),
        runner("d3", 1),
        runner("nobody-knows", 1),
        halt(ScopeKind.PORTFOLIO, "p1"),
        halt(ScopeKind.DEPLOYMENT, "d3"),
        halt(ScopeKind.DEPLOYMENT, "d1"),
        halt(ScopeKind.GLOBAL),
        quote("SAMPLE:AAPL", 1),
    )
    assert screen.events == ["o3/1", "d3/1", "deployment:d3/1", "global:/1", "SAMPLE:AAPL/1"]


def test_a_filter_of_portfolios_that_one_does_not_see_is_answered_as_if_there_were_none(rig):
    screen = rig.screen("bob", "p2")
    screen.subscribe("orders", filter={"portfolio": ["p1"]})
    assert screen.got("error") == [
        {"op": "error", "id": "a", "code": "NOT_FOUND", "message": "None of these portfolios exists."}
    ]


def test_a_halt_that_ended_leaves_the_snapshot(rig):
    rig.publish(halt(ScopeKind.GLOBAL, at=1), halt(ScopeKind.PORTFOLIO, "p1", at=2))
    rig.publish(halt(ScopeKind.GLOBAL, at=3, state=HaltState.ACTIVE))
    screen = rig.screen()
    screen.subscribe("halts")
    assert [item["scope"] for item in screen.got("snapshot")[0]["items"]] == ["portfolio"]


def test_the_same_state_of_a_runner_is_told_once_whoever_tells_it(rig):
    screen = rig.screen()
    screen.subscribe("runners")
    rig.publish(runner("d1", 1), runner("d1", 2), runner("d1", 3, RunnerState.STOPPED), runner("d1", 2))
    assert screen.events == ["d1/1", "d1/3"]


def test_a_new_epoch_gives_every_subscriber_a_new_snapshot(rig):
    screen = rig.screen()
    screen.subscribe("orders")
    rig.publish(order("o1"))
    old = rig.hub.epoch
    rig.hub.clear()
    told = tell(order("o1", 2), rig.hub.directory)
    rig.hub.seed(told, encode(order("o1", 2)))
    rig.hub.open()
    rig.publish(order("o2"))
    snapshot = screen.got("snapshot")[-1]
    assert snapshot["epoch"] == rig.hub.epoch != old
    assert [item["event_id"] for item in snapshot["items"]] == ["o1/2"]
    assert screen.events == ["o1/1", "o2/1"]


def test_the_first_event_of_a_new_epoch_comes_though_its_number_was_sent_before(rig):
    screen = rig.screen()
    screen.subscribe("orders")
    rig.publish(order("o1"))
    rig.hub.clear()
    rig.hub.open()
    rig.publish(order("o2"))
    assert screen.events == ["o1/1", "o2/1"]


def test_a_user_has_a_limit_of_connections_which_others_do_not_share(rig):
    rig = Rig(Limits(connections_per_user=2))
    first = rig.screen("ann")
    rig.screen("ann")
    with pytest.raises(RefusedError, match="ann has 2 live connections"):
        rig.hub.attach(principal("ann"), first.wire)
    rig.screen("bob")
    rig.hub.detach(first.client)
    rig.screen("ann")


@pytest.mark.parametrize("limits", [Limits(subscriptions_per_connection=3), Limits(subscriptions_per_user=3)])
def test_too_many_subscriptions_end_the_connection(limits):
    rig = Rig(limits)
    screen = rig.screen()
    for number in range(3):
        screen.subscribe("orders", f"s{number}")
    assert screen.wire.closed is None
    screen.subscribe("orders", "s3")
    assert screen.wire.closed == (CloseCode.LIMIT, "too many subscriptions")
    assert rig.hub.clients == {}
    rig.publish(order("o1"))
    assert screen.events == []


def test_a_client_that_left_takes_its_selections_along(rig):
    screen = rig.screen()
    screen.subscribe("orders", "a", filter={"deployment": ["d1", "d2"]})
    screen.subscribe("orders", "b")
    rig.hub.detach(screen.client)
    told = tell(order("o1"), rig.hub.directory)
    assert rig.hub.publish(told, encode(order("o1"))) == 0


def test_an_event_costs_only_the_subscribers_that_it_concerns(rig):
    for number in range(50):
        rig.screen(f"user-{number}").subscribe("orders", filter={"deployment": [f"other-{number}"]})
    mine = rig.screen("ann")
    mine.subscribe("orders", filter={"deployment": ["d1"]})
    told = tell(order("o1"), rig.hub.directory)
    assert rig.hub.publish(told, encode(order("o1"))) == 1
