import asyncio

import pytest
from support.live import Rig, order, principal, quote

from millstream.gateway.live.protocol import CloseCode, Filter, Limits, Position
from millstream.gateway.live.streams import EventStream, parse_position
from millstream.gateway.live.topics import LiveTopic


def stream_of(rig, *topics, resume=None):
    stream = EventStream(rig.hub, principal("ann"))
    stream.follow([LiveTopic(topic) for topic in topics], Filter(), resume)
    return stream.texts()


async def lines(texts):
    async with asyncio.timeout(10):
        return (await anext(texts)).decode().splitlines()


async def test_what_was_missed_has_no_position_and_what_is_new_has(rig):
    rig.publish(order("o1"), quote("SAMPLE:AAPL", 1))
    texts = stream_of(rig, "orders", "prices", resume=Position(rig.hub.epoch, 0))
    missed = [await lines(texts) for _ in range(4)]
    assert sorted(part[0] for part in missed) == ["event: orders", "event: prices", "event: resumed", "event: resumed"]
    rig.publish(order("o2"))
    assert (await lines(texts))[:2] == [f"id: {rig.hub.epoch}:3", "event: orders"]


async def test_nothing_for_a_while_is_a_comment_and_a_sign_of_life():
    rig = Rig(Limits(ping_seconds=0.01))
    texts = stream_of(rig, "orders")
    await lines(texts)
    rig.clock.advance(30)
    assert await lines(texts) == [": ping", ""]
    rig.publish(order("o1"))
    await lines(texts)
    assert next(iter(rig.hub.clients.values())).heard_at == rig.clock.monotonic()


async def test_a_stream_that_is_not_read_ends_with_the_code_of_slow_clients():
    rig = Rig(Limits(queue_messages=2))
    texts = stream_of(rig, "orders")
    rig.publish(*(order(f"o{number}") for number in range(5)))
    assert not rig.hub.clients
    while (part := await lines(texts))[0] != "event: close":
        pass
    assert f'"code":{CloseCode.TOO_SLOW:d}' in part[1]
    with pytest.raises(StopAsyncIteration):
        await anext(texts)


async def test_a_new_epoch_ends_the_stream_so_that_its_reader_comes_again(rig):
    texts = stream_of(rig, "orders")
    await lines(texts)
    rig.hub.clear()
    rig.hub.open()
    with pytest.raises(StopAsyncIteration):
        await anext(texts)
    assert not rig.hub.clients


async def test_a_reader_that_leaves_is_forgotten(rig):
    texts = stream_of(rig, "orders")
    await lines(texts)
    await texts.aclose()
    assert not rig.hub.clients


async def test_an_event_stands_on_one_line_though_its_json_does_not(rig):
    texts = stream_of(rig, "orders")
    await lines(texts)
    from millstream.gateway.live.topics import tell

    rig.hub.publish(tell(order("o1"), rig.hub.directory), b'{\n "event_id": "o1"\r\n}')
    assert (await lines(texts))[2] == 'data: {"op":"event","seq":1,"topic":"orders","event":{ "event_id": "o1"}}'


@pytest.mark.parametrize("text", ["", "abc", "abc:", ":5", "abc:-1", "abc:1.5", "abc:" + "9" * 30])
def test_a_text_that_is_no_position_is_none(text):
    assert parse_position(text) is None


def test_a_position_is_epoch_and_number():
    assert parse_position("abc:12") == Position("abc", 12)
