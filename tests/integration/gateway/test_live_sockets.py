"""The WebSocket server over real sockets; who somebody is comes from a table, and no bus or database is needed."""

import asyncio
import contextlib
import socket

import msgspec
import picows
import psycopg
import pytest
from support.live import order, principal, quote
from support.live_client import connected

from millstream.contracts.codec import encode
from millstream.gateway.live.admission import NotAdmittedError
from millstream.gateway.live.directory import Place
from millstream.gateway.live.hub import Hub
from millstream.gateway.live.protocol import CloseCode, Limits
from millstream.gateway.live.sockets import Doorman, listening
from millstream.gateway.live.topics import tell
from millstream.ops.clock import WallClock


class Server:
    def __init__(self, hub, port, entering):
        self.hub = hub
        self.port = port
        self.entering = entering

    def publish(self, *events):
        for event in events:
            self.hub.publish(tell(event, self.hub.directory), encode(event))

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - the hub tells nobody
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(**limits):
    hub = Hub(WallClock(), Limits(**limits))
    hub.directory.replace({"d1": Place("p1", "")})
    hub.open()
    entering = asyncio.Event()
    entering.set()

    async def admit(knock):
        assert knock.peer == "127.0.0.1"
        await entering.wait()
        if knock.ticket == "broken":
            raise psycopg.OperationalError("the database is away")
        if knock.ticket == "good" or knock.authorization == "Bearer good":
            return principal("ann")
        raise NotAdmittedError(CloseCode.UNAUTHENTICATED, "who are you")

    def refusal(origin, host):
        return "" if origin in {None, f"http://{host}"} else "a foreign page"

    doorman = Doorman(hub, WallClock(), refusal, admit)
    async with listening(doorman, "127.0.0.1", 0) as port:
        yield Server(hub, port, entering)


async def test_snapshot_and_events_arrive_over_a_ticket_and_over_a_header():
    async with running() as server:
        server.publish(order("o1"))
        async with (
            connected(server.port, "good") as one,
            connected(server.port, headers={"Authorization": "Bearer good"}) as two,
        ):
            for client in (one, two):
                client.send(op="subscribe", id="a", topic="orders")
                snapshot = await client.next()
                assert (snapshot["op"], len(snapshot["items"])) == ("snapshot", 1)
            server.publish(order("o2"))
            for client in (one, two):
                assert (await client.next())["event"]["order_id"] == "o2"
        await server.until(lambda: not server.hub.clients)


@pytest.mark.parametrize(
    ("ticket", "code"), [("bad", 4401), ("", 4401), ("broken", 1001)], ids=["unknown", "none", "unchecked"]
)
async def test_nobody_is_let_in_without_a_ticket_that_counts(ticket, code):
    async with running() as server, connected(server.port, ticket) as client:
        client.send(op="subscribe", id="a", topic="orders")
        assert (await client.ended())[0] == code
        assert client.messages.empty()
        assert not server.hub.clients


async def test_what_is_asked_while_the_ticket_is_checked_is_answered_after_it():
    async with running() as server:
        server.entering.clear()
        async with connected(server.port, "good") as client:
            client.send(op="subscribe", id="a", topic="orders")
            client.send(op="subscribe", id="b", topic="fills")
            server.entering.set()
            assert [(await client.next())["id"] for _ in range(2)] == ["a", "b"]


async def test_who_asks_too_much_before_the_ticket_is_checked_is_sent_away():
    async with running() as server:
        server.entering.clear()
        async with connected(server.port, "good") as client:
            for _ in range(3):
                client.send_bytes(b" " * 20_000)
            assert (await client.ended())[0] == 4429


async def test_who_waits_at_the_door_is_told_when_the_gateway_stops():
    async with contextlib.AsyncExitStack() as stack:
        async with running() as server:
            server.entering.clear()
            client = await stack.enter_async_context(connected(server.port, "good"))
        assert await client.ended() == (1001, "the gateway stops")


async def test_a_page_of_a_foreign_origin_is_refused_and_one_of_the_screens_is_not():
    async with running() as server:
        with pytest.raises(picows.WSHandshakeError) as refusal:
            async with connected(server.port, "good", {"Origin": "http://evil.example"}):
                raise AssertionError
        assert refusal.value.response.status == 403
        async with connected(server.port, "good", {"Origin": f"http://127.0.0.1:{server.port}"}) as client:
            client.send(op="subscribe", id="a", topic="orders")
            assert (await client.next())["op"] == "snapshot"


async def test_another_path_is_refused():
    async with running() as server:
        with pytest.raises(picows.WSHandshakeError) as refusal:
            await picows.ws_connect(picows.WSListener, f"ws://127.0.0.1:{server.port}/other")
        assert refusal.value.response.status == 404


async def test_too_many_connections_of_a_user_are_refused_with_the_code_of_limits():
    async with running(connections_per_user=1) as server, connected(server.port, "good") as first:
        await server.until(lambda: server.hub.clients)
        async with connected(server.port, "good") as second:
            assert (await second.ended())[0] == 4429
        first.send(op="subscribe", id="a", topic="orders")
        assert (await first.next())["op"] == "snapshot"


async def test_a_request_that_is_too_big_or_binary_ends_the_connection():
    async with running() as server:
        async with connected(server.port, "good") as client:
            client.send_bytes(b" " * 100_000)
            assert (await client.ended())[0] == 1009
        async with connected(server.port, "good") as client:
            await server.until(lambda: server.hub.clients)
            client.transport.send(picows.WSMsgType.BINARY, b"x")
            assert (await client.ended())[0] == 1003


async def test_clients_are_told_that_the_gateway_stops():
    async with contextlib.AsyncExitStack() as stack:
        async with running() as server:
            client = await stack.enter_async_context(connected(server.port, "good"))
            await server.until(lambda: server.hub.clients)
        assert await client.ended() == (1001, "the gateway stops")


def _not_reading(port):
    """A raw connection with a small receive buffer that subscribes and then reads nothing more."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    lines = (
        "GET /live?ticket=good HTTP/1.1",
        "Host: here",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "",
        "",
    )
    raw.sendall("\r\n".join(lines).encode())
    return raw


def _masked(**request):
    payload = msgspec.json.encode(request)
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def test_a_client_that_does_not_read_is_disconnected_without_growing_memory_and_others_go_on():
    async with running(queue_messages=200, closing_seconds=0.2) as server, connected(server.port, "good") as quick:
        quick.send(op="subscribe", id="a", topic="orders")
        await quick.next("snapshot")
        raw = await asyncio.to_thread(_not_reading, server.port)
        try:
            raw.sendall(_masked(op="subscribe", id="a", topic="orders"))
            await server.until(lambda: sum(len(one.subscriptions) for one in server.hub.clients.values()) == 2)
            slow = max(server.hub.clients.values(), key=lambda client: client.number)
            transport = slow.wire._transport.underlying_transport
            number = 0
            while slow.number in server.hub.clients:
                number += 1
                server.publish(order(f"o{number}", reason="x" * 2_000))
                assert transport.get_write_buffer_size() < 10_000
                if number % 20 == 0:
                    await asyncio.sleep(0)
                assert number < 20_000
            assert server.hub.dropped == 1
            await server.until(lambda: slow.wire._transport.is_disconnected)
            while (await quick.next("event"))["seq"] != number:
                pass
        finally:
            raw.close()


async def test_a_client_that_read_slowly_gets_every_order_and_the_newest_price():
    async with running(queue_messages=10_000) as server:
        raw = await asyncio.to_thread(_not_reading, server.port)
        raw.settimeout(20)
        try:
            raw.sendall(_masked(op="subscribe", id="a", topic="orders"))
            raw.sendall(_masked(op="subscribe", id="b", topic="prices"))
            await server.until(lambda: sum(len(one.subscriptions) for one in server.hub.clients.values()) == 2)
            client = next(iter(server.hub.clients.values()))
            number = 0
            while client.queued < 100:
                number += 1
                server.publish(order(f"o{number}", reason="x" * 2_000))
                assert number < 20_000
            for sequence in range(1, 50):
                server.publish(quote("SAMPLE:AAPL", sequence))
            assert client.queued <= 102
            received = await asyncio.to_thread(_read_until, raw, b'"SAMPLE:AAPL/49"')
            assert received.count(b'"op":"event"') == number + 1
            assert b'"SAMPLE:AAPL/48"' not in received
        finally:
            raw.close()


def _read_until(raw, end):
    received = b""
    while end not in received:
        received += raw.recv(1 << 20)
    return received
