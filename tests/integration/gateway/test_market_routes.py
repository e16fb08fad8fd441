import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from support.gateway import GatewayApp, gateway_app
from support.market_rig import Background

from millstream.bus.base import Subscription
from millstream.contracts.codec import decode
from millstream.contracts.events import InstrumentRegistered
from millstream.contracts.topics import INSTRUMENT_REGISTERED
from millstream.market.candles import load
from millstream.market.feeds.simulated import SimulatedFeed, SimulationOptions
from millstream.market.instruments import register
from millstream.market.sample import SYMBOLS, sample_frame, sample_instrument
from millstream.market.service import MarketService
from millstream.market.sessions import create_replay, open_live
from millstream.store.database import connect_sync

API = "/api/v1"
SPEC = {"exchange": "nyse", "symbol": "GE", "currency": "USD", "price_tick": "0.01"}


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    with connect_sync(gateway_database) as conn:
        for symbol in SYMBOLS:
            register(conn, sample_instrument(symbol))
        load(conn, "SAMPLE:AAPL", "1d", sample_frame("AAPL").iloc[-400:], source="test")
        create_replay(conn, ["SAMPLE:AAPL", "SAMPLE:IBM"], "1d", session_id="replay-1")
    async with gateway_app(gateway_database, redis_url, bus="redis") as opened:
        yield opened


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    tasks = Background()
    yield tasks
    await tasks.stop()


async def get(app: GatewayApp, path: str, headers: dict[str, str], **query: object):
    return await app.client.get(f"{API}{path}", headers=headers, params=query)


async def is_open(app: GatewayApp, headers: dict[str, str]) -> bool:
    found = (await get(app, "/market-sessions", headers)).json()
    return any(one["session"] == "" for one in found["items"])


async def test_instruments_come_in_pages_by_key_with_their_timeframes_and_open_sessions(app: GatewayApp):
    viewer = app.login_as("viewer")
    first = (await get(app, "/instruments", viewer, limit=3)).json()
    rest = (await get(app, "/instruments", viewer, limit=3, cursor=first["next"])).json()

    keys = [one["key"] for one in first["items"] + rest["items"]]
    assert keys == [f"SAMPLE:{name}" for name in ("AAPL", "FB", "GOOG", "IBM", "MSFT")]
    assert (len(first["items"]), rest["next"]) == (3, "")
    assert first["items"][0]["timeframes"] == ["1d"]
    assert (first["items"][0]["sessions"], first["items"][1]["sessions"]) == (["replay-1"], [])


async def test_page_is_not_shifted_by_rows_that_come_in_between(app: GatewayApp):
    viewer, operator = app.login_as("viewer"), app.login_as("operator")
    first = (await get(app, "/instruments", viewer, limit=2)).json()
    await app.client.post(f"{API}/instruments", headers=operator, json=SPEC)
    rest = (await get(app, "/instruments", viewer, cursor=first["next"])).json()
    assert [one["key"] for one in rest["items"]] == ["SAMPLE:GOOG", "SAMPLE:IBM", "SAMPLE:MSFT"]


async def test_instrument_that_nobody_registered_is_a_problem_with_a_near_name(app: GatewayApp):
    answer = await get(app, "/instruments/SAMPLE:APPL", app.login_as("viewer"))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "NOT_FOUND"
    assert "SAMPLE:AAPL" in answer.json()["hint"]


async def test_registered_instrument_is_stored_announced_and_audited(app: GatewayApp):
    operator = app.person("operator")
    answer = await app.client.post(f"{API}/instruments", headers=operator.headers, json=SPEC)

    assert answer.status_code == 201, answer.text
    assert answer.json()["key"] == "NYSE:GE"
    assert answer.json()["sessions"] == [], "no feed takes up instruments of that exchange"
    async with await app.gateway.bus.subscribe(Subscription(topics=[INSTRUMENT_REGISTERED.name])) as consumer:
        (delivery,) = await consumer.read(timeout=5)
    event = decode(delivery.topic, delivery.value)
    assert isinstance(event, InstrumentRegistered)
    assert event.instrument.key == "NYSE:GE"
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        rows = conn.execute("SELECT actor, action, subject, address FROM audit").fetchall()
    assert rows == [(operator.user, "instrument.registered", "instrument:NYSE:GE", "127.0.0.1")]


async def test_instrument_registered_again_with_other_terms_is_refused(app: GatewayApp):
    operator = app.login_as("operator")
    for _ in range(2):
        assert (await app.client.post(f"{API}/instruments", headers=operator, json=SPEC)).status_code == 201
    answer = await app.client.post(f"{API}/instruments", headers=operator, json=SPEC | {"price_tick": "0.05"})
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


async def test_simulated_instrument_is_collected_when_its_registration_is_answered(
    app: GatewayApp, background: Background
):
    options = SimulationOptions(speed=60.0, quote_seconds=30, history_days=0.05)
    gateway = app.gateway
    feed = SimulatedFeed(gateway.clock, options)
    background.start(MarketService(gateway.endpoints.database_url, gateway.bus, gateway.clock, [feed]).run())
    viewer, operator = app.login_as("viewer"), app.login_as("operator")
    async with asyncio.timeout(20):
        while not await is_open(app, viewer):  # noqa: ASYNC110 - what is waited for happens in a database
            await asyncio.sleep(0.05)
    spec = {"exchange": "SIM", "symbol": "DOGE/USDT", "currency": "USDT", "price_tick": "0.0001"}
    answer = await app.client.post(f"{API}/instruments", headers=operator, json=spec)

    assert answer.status_code == 201
    assert (answer.json()["sessions"], answer.json()["timeframes"]) == ([""], ["1m"])
    candles = await get(app, "/candles", viewer, instrument="SIM:DOGE/USDT", timeframe="1m")
    assert candles.status_code == 200
    assert len(candles.json()["items"]) > 30
    assert (await get(app, "/instruments/SIM:DOGE/USDT", viewer)).json()["key"] == "SIM:DOGE/USDT"


async def test_candles_come_oldest_first_in_pages_and_without_a_start_the_newest(app: GatewayApp):
    viewer = app.login_as("viewer")
    query = {"instrument": "SAMPLE:AAPL", "timeframe": "1d"}
    begin = {"start": "2012-01-03T00:00:00Z", "end": "2012-01-10T00:00:00Z"}
    first = (await get(app, "/candles", viewer, **query, **begin, limit=3)).json()
    rest = (await get(app, "/candles", viewer, **query, **begin, limit=3, cursor=first["next"])).json()
    newest = (await get(app, "/candles", viewer, **query, limit=2)).json()

    days = [one["time"][:10] for one in first["items"] + rest["items"]]
    assert days == ["2012-01-03", "2012-01-04", "2012-01-05", "2012-01-06", "2012-01-09"]
    assert rest["next"] == ""
    assert [one["time"][:10] for one in newest["items"]] == ["2013-02-28", "2013-03-01"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"instrument": "SAMPLE:NONE", "timeframe": "1d"}, 404),
        ({"instrument": "SAMPLE:AAPL", "timeframe": "5m"}, 404),
        ({"instrument": "SAMPLE:AAPL", "timeframe": "often"}, 422),
        ({"instrument": "SAMPLE:AAPL", "timeframe": "1d", "cursor": "x"}, 422),
        ({"instrument": "SAMPLE:AAPL", "timeframe": "1d", "start": "0001-01-01T00:00:00+09:00"}, 422),
        ({"instrument": "SAMPLE:\x00", "timeframe": "1d"}, 422),
    ],
)
async def test_candles_that_cannot_be_are_a_problem(app: GatewayApp, query: dict[str, str], status: int):
    answer = await get(app, "/candles", app.login_as("viewer"), **query)
    assert answer.status_code == status, answer.text
    assert answer.json()["hint"]


async def test_marks_and_sessions_tell_the_newest_price_and_time(app: GatewayApp):
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        open_live(conn, ["SIM:X"], "1m")
        conn.execute(
            "INSERT INTO marks VALUES ('', 'SIM:X', 10.5, 10.4, 10.6, NULL, 1700000000000000000, 1, 1),"
            " ('replay-1', 'SAMPLE:IBM', 7, NULL, NULL, NULL, 1600000000000000000, 2, 1)"
        )
    viewer = app.login_as("viewer")
    marks = (await get(app, "/marks", viewer)).json()["items"]
    live = (await get(app, "/marks", viewer, session="")).json()["items"]
    sessions = (await get(app, "/market-sessions", viewer)).json()["items"]

    assert [(one["session"], Decimal(one["price"])) for one in marks] == [("", Decimal("10.5")), ("replay-1", 7)]
    assert [one["instrument"] for one in live] == ["SIM:X"]
    assert [(one["session"], one["kind"]) for one in sessions] == [("", "live"), ("replay-1", "replay")]
    assert sessions[0]["position"] == "2023-11-14T22:13:20Z"


async def test_viewer_cannot_register(app: GatewayApp):
    answer = await app.client.post(f"{API}/instruments", headers=app.login_as("viewer"), json=SPEC)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
