from support.live import Rig, order, quote

from millstream.gateway.live.protocol import CloseCode, Limits


def following(rig):
    screen = rig.screen()
    screen.subscribe("orders", "o")
    screen.subscribe("prices", "p")
    screen.wire.sent.clear()
    return screen


def test_of_prices_only_the_newest_of_each_instrument_waits_and_orders_all(rig):
    screen = following(rig)
    screen.client.pause()
    rig.publish(
        quote("SAMPLE:AAPL", 1),
        order("o1"),
        quote("SAMPLE:MSFT", 1),
        quote("SAMPLE:AAPL", 2),
        order("o2"),
        quote("SAMPLE:AAPL", 3),
    )
    assert screen.events == []
    screen.client.resume()
    assert screen.events == ["o1/1", "SAMPLE:MSFT/1", "o2/1", "SAMPLE:AAPL/3"]
    assert [message["seq"] for message in screen.got("event")] == [2, 3, 5, 6]


def test_a_client_that_is_not_slow_gets_every_price(rig):
    screen = following(rig)
    rig.publish(quote("SAMPLE:AAPL", 1), quote("SAMPLE:AAPL", 2))
    assert screen.events == ["SAMPLE:AAPL/1", "SAMPLE:AAPL/2"]


def test_resuming_stops_where_the_wire_pauses_again_and_the_order_stays(rig):
    screen = following(rig)
    screen.client.pause()
    rig.publish(*(order(f"o{number}") for number in range(4)))
    screen.wire.room = 2
    screen.client.resume()
    rig.publish(order("o4"))
    assert screen.events == ["o0/1", "o1/1"]
    screen.wire.room = None
    screen.client.resume()
    assert screen.events == ["o0/1", "o1/1", "o2/1", "o3/1", "o4/1"]
    assert screen.client.queued == 0


def test_a_client_whose_queue_overflows_is_disconnected_and_others_are_not():
    rig = Rig(Limits(queue_messages=3))
    slow, quick = following(rig), rig.screen("bob")
    quick.subscribe("orders")
    slow.client.pause()
    rig.publish(*(order(f"o{number}") for number in range(5)))
    assert slow.wire.closed == (CloseCode.TOO_SLOW, "too slow")
    assert list(rig.hub.clients.values()) == [quick.client]
    assert len(quick.events) == 5
    assert rig.hub.dropped == 1


def test_a_queue_overflows_by_its_bytes_too():
    rig = Rig(Limits(queue_bytes=1_000))
    slow = following(rig)
    slow.client.pause()
    rig.publish(order("o1"), order("o2"), order("o3"))
    assert slow.wire.closed == (CloseCode.TOO_SLOW, "too slow")


def test_prices_alone_never_disconnect_a_slow_client():
    rig = Rig(Limits(queue_messages=3, queue_bytes=1_000))
    slow = following(rig)
    slow.client.pause()
    rig.publish(*(quote("SAMPLE:AAPL", number) for number in range(1, 100)))
    assert slow.wire.closed is None
    assert slow.client.queued == 1


def test_an_answer_waits_behind_the_events_before_it(rig):
    screen = following(rig)
    screen.client.pause()
    rig.publish(order("o1"))
    screen.subscribe("orders", "o")
    screen.client.resume()
    assert [message["op"] for message in screen.wire.sent] == ["event", "error"]
