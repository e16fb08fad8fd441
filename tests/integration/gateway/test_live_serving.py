"""Live events as the gateway serves them: real Redis, real PostgreSQL, a real WebSocket and a real HTTP server."""

import asyncio
import contextlib
from decimal import Decimal

import httpx
import msgspec
import pytest
import uvicorn
from support.gateway import gateway_app
from support.live import order
from support.live_client import connected
from support.trading import eventually, rows, seed, slice_of
from support.trading import order as intent
from support.trading import record as market_record
from support.trading import serving as trading_service

from millstream.bus.base import Record
from millstream.bus.memory import MemoryBus
from millstream.contracts import topics
from millstream.contracts.codec import encode
from millstream.contracts.enums import ScopeKind, Side
from millstream.contracts.events import AlertRaised, Bar
from millstream.gateway import live
from millstream.gateway.context import Gateway
from millstream.gateway.live.feeding import Feeder
from millstream.gateway.live.hub import Hub
from millstream.gateway.live.loading import DatabaseSource
from millstream.gateway.live.protocol import Limits
from millstream.gateway.live.topics import LiveTopic
from millstream.ops.clock import WallClock
from millstream.risk import kill_switch
from millstream.store.database import connect_sync, pool

QUICK = Limits(standing_seconds=0.1)


@contextlib.asynccontextmanager
async def serving(dsn, redis_url, **settings):
    async with gateway_app(dsn, redis_url, bus="redis", **settings) as app, live.serving(app.gateway, QUICK) as hub:
        app.app.state.hub = hub
        yield app, hub


@contextlib.asynccontextmanager
async def over_http(app):
    """The application behind a real HTTP server: an endless answer needs one."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def history(database, history_template):
    return database(history_template)


async def ticket_of(app, headers):
    answer = await app.client.get("/api/v1/live", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def record(event, topic=topics.ORDERS_PLACED, key="p1"):
    return Record(topic.name, key, encode(event))


async def test_a_ticket_opens_one_connection_and_the_snapshot_is_the_database(history, redis_url):
    async with serving(history, redis_url) as (app, hub):
        found = await ticket_of(app, app.login_as("viewer"))
        assert found["url"] == f"ws://127.0.0.1:{hub.port}/live"
        async with connected(hub.port, found["ticket"]) as client:
            counts = {}
            for topic in LiveTopic:
                client.send(op="subscribe", id=topic.value, topic=topic.value)
                snapshot = await client.next("snapshot")
                assert (snapshot["id"], snapshot["epoch"]) == (topic.value, hub.epoch)
                counts[topic.value] = len(snapshot["items"])
            ((orders, fills, refused, portfolios, deployments),) = rows(
                history,
                "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM fills),"
                " (SELECT count(*) FROM decisions WHERE NOT approved), (SELECT count(*) FROM portfolios),"
                " (SELECT count(*) FROM deployments)",
            )
            assert orders > 3
            assert refused > 0
            assert counts == {
                "orders": orders,
                "fills": fills,
                "rejections": refused,
                "portfolios": portfolios,
                "runners": deployments,
                "halts": 0,
                "prices": 0,
                "alerts": 0,
            }
        async with connected(hub.port, found["ticket"]) as client:
            assert (await client.ended())[0] == 4401


async def test_events_of_the_bus_reach_a_screen_and_a_lost_connection_resumes_without_a_hole(
    gateway_database, redis_url
):
    async with serving(gateway_database, redis_url) as (app, hub):
        headers = app.login_as("viewer")
        async with connected(hub.port, headers=headers) as client:
            client.send(op="subscribe", id="a", topic="orders")
            await client.next("snapshot")
            await app.gateway.bus.publish([record(order("o1"))])
            seen = await client.next("event")
            assert seen["event"]["order_id"] == "o1"
        await app.gateway.bus.publish([record(order(f"o{number}")) for number in range(2, 6)])
        async with connected(hub.port, headers=headers) as client:
            position = {"epoch": hub.epoch, "seq": seen["seq"]}
            client.send(op="subscribe", id="a", topic="orders", resume=position)
            await app.gateway.bus.publish([record(order("o6"))])
            got = [(await client.next("event"))["event"]["order_id"] for _ in range(5)]
            assert got == ["o2", "o3", "o4", "o5", "o6"]


async def test_a_gateway_that_was_restarted_gives_a_snapshot_of_a_new_epoch(history, redis_url):
    async with gateway_app(history, redis_url, bus="redis") as app:
        headers = app.login_as("viewer")
        async with contextlib.AsyncExitStack() as stack:
            async with live.serving(app.gateway) as hub:
                client = await stack.enter_async_context(connected(hub.port, headers=headers))
                client.send(op="subscribe", id="a", topic="fills")
                old = await client.next("snapshot")
            assert await client.ended() == (1001, "the gateway stops")
        async with live.serving(app.gateway) as hub, connected(hub.port, headers=headers) as client:
            client.send(op="subscribe", id="a", topic="fills", resume={"epoch": old["epoch"], "seq": old["seq"]})
            new = await client.next()
            assert (new["op"], new["items"]) == ("snapshot", old["items"])
            assert new["epoch"] != old["epoch"]


async def test_a_connection_ends_within_seconds_when_its_session_is_revoked_and_others_stay(
    gateway_database, redis_url
):
    async with serving(gateway_database, redis_url) as (app, hub):
        leaver, stayer = app.person("viewer"), app.person("trader")
        async with (
            connected(hub.port, headers=leaver.headers) as one,
            connected(hub.port, headers=stayer.headers) as two,
        ):
            for client in (one, two):
                client.send(op="subscribe", id="a", topic="orders")
                await client.next("snapshot")
            with connect_sync(gateway_database) as conn:
                conn.execute("UPDATE login_sessions SET revoked_at = now() WHERE session_id = %s", (leaver.session,))
            assert await one.ended() == (4401, "the session ended or changed")
            await app.gateway.bus.publish([record(order("o1"))])
            assert (await two.next("event"))["event"]["order_id"] == "o1"


async def test_a_person_with_portfolios_gets_nothing_of_others(history, redis_url):
    async with serving(history, redis_url) as (app, hub):
        headers = app.login_as("viewer", ("elsewhere",))
        async with connected(hub.port, headers=headers) as client:
            for topic in ("orders", "fills", "rejections", "portfolios", "runners"):
                client.send(op="subscribe", id=topic, topic=topic)
                assert (await client.next("snapshot"))["items"] == []
            await app.gateway.bus.publish([record(order("o1")), record(order("o2", portfolio_id="elsewhere"))])
            assert (await client.next("event"))["event"]["order_id"] == "o2"


async def test_who_may_not_read_is_not_let_in(gateway_database, redis_url):
    async with serving(gateway_database, redis_url) as (app, hub):
        unproven = app.person("admin", second_factor=False)
        async with connected(hub.port, headers=unproven.headers) as client:
            assert (await client.ended())[0] == 4403
        async with connected(hub.port, headers={"Authorization": "Bearer nonsense"}) as client:
            assert (await client.ended())[0] == 4401
        refused = await app.client.get("/api/v1/live", headers=unproven.headers)
        assert refused.status_code == 403


async def test_an_address_that_is_not_allowed_is_not_let_in(gateway_database, redis_url):
    async with (
        serving(gateway_database, redis_url, allowed_addresses="10.0.0.0/8") as (app, hub),
        connected(hub.port, headers=app.login_as("viewer")) as client,
    ):
        assert (await client.ended())[0] == 4403


async def test_a_halt_is_seen_though_the_bus_never_told_it(gateway_database, redis_url):
    async with (
        serving(gateway_database, redis_url) as (app, hub),
        connected(hub.port, headers=app.login_as("viewer")) as client,
    ):
        client.send(op="subscribe", id="a", topic="halts")
        await client.next("snapshot")
        with connect_sync(gateway_database) as conn:
            kill_switch.halt(conn, ScopeKind.GLOBAL, "", "ann", "test")
        told = await client.next("event")
        assert (told["event"]["state"], told["event"]["actor"]) == ("halted", "ann")


async def test_prices_and_alerts_come_from_the_bus(gateway_database, redis_url):
    one = Decimal(1)
    bar = Bar(
        event_id="bar", occurred_at=1, instrument="SAMPLE:AAPL", ts=60, timeframe="1m", open_time=0,
        open=one, high=one, low=one, close=one, volume=one,
    )  # fmt: skip
    alert = AlertRaised(event_id="alert", occurred_at=1, source="test", severity="info", code="TEST", message="look")
    async with (
        serving(gateway_database, redis_url) as (app, hub),
        connected(hub.port, headers=app.login_as("viewer")) as client,
    ):
        client.send(op="subscribe", id="p", topic="prices", filter={"instrument": ["SAMPLE:AAPL"]})
        client.send(op="subscribe", id="a", topic="alerts")
        for _ in range(2):
            await client.next("snapshot")
        await app.gateway.bus.publish([record(bar, topics.MARKET_RAW_DATA, "SAMPLE:AAPL")])
        assert (await client.next("event"))["event"] == msgspec.json.decode(encode(bar))
        await app.gateway.bus.publish([record(alert, topics.ALERTS, "test")])
        assert (await client.next("event"))["topic"] == "alerts"


def parts(raw):
    for part in raw.decode().split("\n\n")[:-1]:
        yield dict(line.split(": ", 1) if not line.startswith(":") else ("", line[2:]) for line in part.split("\n"))


class Sse:
    """The events of an open ``text/event-stream``."""

    def __init__(self, response):
        self._chunks = response.aiter_raw()
        self._rest = b""

    async def next(self):
        async with asyncio.timeout(20):
            while b"\n\n" not in self._rest:
                self._rest += await anext(self._chunks)
        text, _, self._rest = self._rest.partition(b"\n\n")
        (part,) = parts(text + b"\n\n")
        return part


async def test_server_sent_events_begin_with_snapshots_and_resume_behind_the_last_id(gateway_database, redis_url):
    async with serving(gateway_database, redis_url) as (app, hub), over_http(app.app) as http:
        headers = app.login_as("viewer")
        url = "/api/v1/events?topics=orders,fills&portfolio=p1"
        async with http.stream("GET", url, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            stream = Sse(response)
            assert [(await stream.next())["event"] for _ in range(2)] == ["snapshot", "snapshot"]
            await app.gateway.bus.publish(
                [record(order("o1")), record(order("x", portfolio_id="p2")), record(order("o2"))]
            )
            first = await stream.next()
            assert first["event"] == "orders"
            assert msgspec.json.decode(first["data"])["event"]["order_id"] == "o1"
        async with http.stream("GET", url, headers={**headers, "Last-Event-ID": first["id"]}) as response:
            stream = Sse(response)
            missed = await stream.next()
            assert msgspec.json.decode(missed["data"])["event"]["order_id"] == "o2"
            assert [(await stream.next())["event"] for _ in range(2)] == ["resumed", "resumed"]
        async with asyncio.timeout(20):
            while hub.clients:  # noqa: ASYNC110 - the server notices by itself
                await asyncio.sleep(0.01)


async def test_server_sent_events_end_with_the_reason_when_the_session_is_revoked(gateway_database, redis_url):
    async with serving(gateway_database, redis_url) as (app, _), over_http(app.app) as http:
        leaver = app.person("viewer")
        async with http.stream("GET", "/api/v1/events?topics=orders", headers=leaver.headers) as response:
            stream = Sse(response)
            await stream.next()
            with connect_sync(gateway_database) as conn:
                conn.execute("UPDATE login_sessions SET revoked_at = now() WHERE session_id = %s", (leaver.session,))
            last = await stream.next()
            assert (last["event"], msgspec.json.decode(last["data"])["code"]) == ("close", 4401)


@pytest.mark.parametrize(("query", "status"), [("topics=weather", 422), ("topics=", 422), ("", 422)])
async def test_server_sent_events_of_no_known_topic_are_refused(gateway_database, redis_url, query, status):
    async with serving(gateway_database, redis_url) as (app, _):
        answer = await app.client.get(f"/api/v1/events?{query}", headers=app.login_as("viewer"))
        assert (answer.status_code, answer.json()["code"]) == (status, "INVALID_INPUT")


async def test_without_a_hub_the_routes_say_that_it_is_not_running(gateway_database, redis_url):
    async with gateway_app(gateway_database, redis_url) as app:
        for path in ("/api/v1/live", "/api/v1/events?topics=orders"):
            answer = await app.client.get(path, headers=app.login_as("viewer"))
            assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


async def test_the_state_kept_from_events_is_the_state_of_the_database(gateway_database):
    """A hub that follows trading from before its start, and one that reads the tables after it, know the same."""
    seed(gateway_database, protection={"stop_loss": "0.1"})
    clock = WallClock()
    prices = {10: (100, 101, 99, 100), 11: (102, 104, 101, 103), 12: (105, 106, 103, 104)}
    with pool(gateway_database, size=2) as connections:
        async with MemoryBus("", clock=clock) as bus:
            await bus.create_topics(topics.TOPICS.values())
            gateway = Gateway(settings=None, endpoints=None, clock=clock, pool=connections, bus=bus, redis=None)
            following, reading = Hub(clock), Hub(clock)
            async with (
                Feeder(following, bus, DatabaseSource(gateway), clock).running(),
                trading_service(gateway_database, bus),
            ):
                for number, (day, numbers) in enumerate(prices.items(), start=1):
                    await bus.publish([market_record(event) for event in slice_of(day, numbers)])
                    await eventually(
                        lambda n=number: rows(gateway_database, "SELECT count(*) = %s FROM equity", n)[0][0]
                    )
                    if day < 12:
                        await bus.publish([market_record(intent(day + 1, Side.BUY, 10))])
                        await eventually(
                            lambda n=number: rows(
                                gateway_database,
                                "SELECT count(*) = %s FROM orders WHERE leg = '' AND acked_wall > 0",
                                n,
                            )[0][0]
                        )
                async with Feeder(reading, bus, DatabaseSource(gateway), clock).running():
                    await eventually(lambda: known(following) == known(reading))
    assert len(known(reading)["fills"]) >= 2


def known(hub):
    """What a hub knows: versions of orders, fills and portfolios by their keys."""
    names = (LiveTopic.ORDERS, LiveTopic.FILLS, LiveTopic.REJECTIONS, LiveTopic.PORTFOLIOS)
    return {name.value: {told.key: told.version for told in hub.things(name)} for name in names}
