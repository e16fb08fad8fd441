"""The live stream of the client against a WebSocket server whose every word a test decides."""

import asyncio
from contextlib import aclosing

import pytest
from integration.client.conftest import HASTY

from millstream.client import (
    ApiError,
    ApiRetriableError,
    AsyncClient,
    AuthenticationError,
    LiveEvent,
    PermissionDeniedError,
    Snapshot,
    Subscription,
)

ORDERS = [Subscription(topic="orders", deployment=["sma"])]


async def take(stream, count):
    found = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found.append(await anext(stream))
    return found


async def test_a_lost_connection_is_made_again_and_missed_events_follow_without_a_hole(small_gateway):
    async def first(peer):
        await peer.expect("subscribe")
        await peer.snapshot("orders", 5, {"n": 5})
        await peer.event(6)
        await peer.close(1001, "restart")

    async def second(peer):
        await peer.expect("subscribe")
        await peer.send(op="resumed", id="orders")
        for seq in (6, 7, 8):
            await peer.event(seq)

    small_gateway.scripts = [first, second]
    links = []
    async with (
        AsyncClient(small_gateway.url, "right") as client,
        aclosing(client.live(ORDERS, on_link=links.append, reconnecting=HASTY)) as stream,
    ):
        updates = await take(stream, 4)
    assert isinstance(updates[0], Snapshot)
    assert [update.seq for update in updates[1:] if isinstance(update, LiveEvent)] == [6, 7, 8]
    assert [peer.asked[0].get("resume") for peer in small_gateway.peers] == [None, {"epoch": "e1", "seq": 6}]
    assert [peer.ticket for peer in small_gateway.peers] == ["t1", "t2"]
    assert links == [True, False, True, False]


async def test_a_ping_is_answered(small_gateway):
    answered = asyncio.Event()

    async def script(peer):
        await peer.expect("subscribe")
        await peer.snapshot("orders", 1)
        await peer.send(op="ping", seq=1)
        await peer.expect("pong")
        answered.set()
        await peer.event(2)

    small_gateway.scripts = [script]
    async with AsyncClient(small_gateway.url, "right") as client, aclosing(client.live(ORDERS)) as stream:
        await take(stream, 2)
    assert answered.is_set()


@pytest.mark.parametrize(
    ("code", "kind"), [(4401, AuthenticationError), (4403, PermissionDeniedError), (4429, ApiRetriableError)]
)
async def test_a_close_code_that_another_try_would_meet_again_is_an_error(small_gateway, code, kind):
    async def script(peer):
        await peer.expect("subscribe")
        await peer.close(code, "because")

    small_gateway.scripts = [script]
    async with AsyncClient(small_gateway.url, "right") as client:
        with pytest.raises(kind, match="because") as caught:
            await take(client.live(ORDERS, reconnecting=HASTY), 1)
    assert caught.value.hint
    assert len(small_gateway.peers) == 1


async def test_a_client_that_was_too_slow_connects_again(small_gateway):
    async def slow(peer):
        await peer.expect("subscribe")
        await peer.close(4408, "too slow")

    async def second(peer):
        await peer.expect("subscribe")
        await peer.snapshot("orders", 9)

    small_gateway.scripts = [slow, second]
    async with (
        AsyncClient(small_gateway.url, "right") as client,
        aclosing(client.live(ORDERS, reconnecting=HASTY)) as stream,
    ):
        assert isinstance((await take(stream, 1))[0], Snapshot)


async def test_a_refused_subscription_is_an_error_with_the_servers_code(small_gateway):
    async def script(peer):
        await peer.expect("subscribe")
        await peer.send(op="error", id="orders", code="UNKNOWN", message="no such topic")

    small_gateway.scripts = [script]
    async with AsyncClient(small_gateway.url, "right") as client:
        with pytest.raises(ApiError, match="no such topic") as caught:
            await take(client.live(ORDERS), 1)
    assert caught.value.code == "UNKNOWN"


async def test_a_connection_that_fell_silent_is_given_up(small_gateway):
    async def silent(peer):
        await peer.expect("subscribe")

    async def second(peer):
        await peer.expect("subscribe")
        await peer.snapshot("orders", 9)

    small_gateway.scripts = [silent, second]
    quick = type(HASTY)(first=0.01, longest=0.05, quiet=0.2)
    async with (
        AsyncClient(small_gateway.url, "right") as client,
        aclosing(client.live(ORDERS, reconnecting=quick)) as stream,
    ):
        assert isinstance((await take(stream, 1))[0], Snapshot)
    assert len(small_gateway.peers) == 2


async def test_a_stream_server_that_is_down_is_tried_until_it_is_there(small_gateway):
    async def script(peer):
        await peer.expect("subscribe")
        await peer.snapshot("orders", 1)

    small_gateway.scripts = [script]
    right, small_gateway.live_url = small_gateway.live_url, "ws://127.0.0.1:9/live"
    links = []

    def linked(up):
        links.append(up)
        small_gateway.live_url = right

    async with (
        AsyncClient(small_gateway.url, "right") as client,
        aclosing(client.live(ORDERS, on_link=linked, reconnecting=HASTY)) as stream,
    ):
        assert isinstance((await take(stream, 1))[0], Snapshot)
    assert links == [False, True, False]
