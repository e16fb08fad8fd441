"""Tickets, cancels, flattening and the kill switch, with a real trading service."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from support.gateway import gateway_app
from support.trading import DEPLOYMENT, KEY, PORTFOLIO, eventually, record, rows, seed, serving, slice_of

from millstream.contracts.errors import RetriableError
from millstream.gateway.commands import waiting


@asynccontextmanager
async def trading(app, dsn):
    """A trading service on the gateway's bus, with a price."""
    async with serving(dsn, app.gateway.bus):
        await play(app, dsn, 10, (100, 101, 99, 100))
        yield


async def play(app, dsn, day, prices):
    before = rows(dsn, "SELECT count(*) FROM equity")[0][0]
    await app.gateway.bus.publish([record(event) for event in slice_of(day, prices)])
    await eventually(lambda: rows(dsn, "SELECT count(*) > %s FROM equity", before)[0][0])


@pytest.fixture
async def app(gateway_database, redis_url):
    seed(gateway_database)
    async with gateway_app(gateway_database, redis_url) as app:
        app.trader = app.login_as("trader")
        yield app


@pytest.fixture
def soon(monkeypatch):
    """Nobody answers in this test: it is not waited for long."""
    monkeypatch.setattr(waiting, "PATIENCE", 0.2)


async def post(app, path, body, headers=None, key=""):
    more = {"Idempotency-Key": key} if key else {}
    return await app.client.post(f"/api/v1{path}", json=body, headers={**(headers or app.trader), **more})


def ticket(**fields):
    return {"deployment": DEPLOYMENT, "instrument": KEY, "side": "buy", "quantity": "5", **fields}


async def test_ticket_becomes_an_order_that_fills_at_the_next_price(app, gateway_database):
    async with trading(app, gateway_database):
        answer = (await post(app, "/orders", ticket())).json()
        assert answer["rejection"] is None
        assert (answer["order"]["state"], answer["order"]["quantity"]) == ("accepted", "5")
        assert answer["order"]["tag"].startswith("manual:trader-")
        await play(app, gateway_database, 11, (102, 104, 101, 103))
    assert rows(gateway_database, "SELECT price, quantity FROM fills") == [(Decimal(102), Decimal(5))]
    ((subject, details),) = rows(gateway_database, "SELECT subject, details FROM audit WHERE action = 'order.place'")
    assert (subject, details["quantity"], details["intent"]) == (f"deployment:{DEPLOYMENT}", "5", answer["intent"])


async def test_ticket_that_risk_refuses_is_answered_with_the_rule(app, gateway_database):
    async with trading(app, gateway_database):
        answer = (await post(app, "/orders", ticket(quantity="0.0001"))).json()
    assert answer["order"] is None
    assert answer["rejection"]["code"] == "INVALID_INTENT"


async def test_same_ticket_under_its_key_is_one_order(app, gateway_database):
    async with trading(app, gateway_database):
        first = await post(app, "/orders", ticket(), key="k1")
        again = await post(app, "/orders", ticket(), key="k1")
        other = await post(app, "/orders", ticket(quantity="6"), key="k1")
        without = await post(app, "/orders", ticket())
    assert first.json() == again.json()
    assert other.json()["code"] == "IDEMPOTENCY_CONFLICT"
    assert without.json()["intent"] != first.json()["intent"]
    assert rows(gateway_database, "SELECT count(*) FROM orders") == [(2,)]


async def test_ticket_sent_again_after_a_timeout_finds_what_became_of_the_first(app, gateway_database, soon):
    late = await post(app, "/orders", ticket(), key="k2")
    assert (late.status_code, late.json()["code"]) == (504, "TRADING_TIMEOUT")
    assert "Idempotency-Key" in late.json()["hint"]
    async with serving(gateway_database, app.gateway.bus):
        await eventually(lambda: rows(gateway_database, "SELECT count(*) FROM decisions")[0][0])
        found = (await post(app, "/orders", ticket(), key="k2")).json()
    # There was no price yet: the first one was refused, and the second is not another intent.
    assert found["rejection"]["code"] == "STALE_MARKET_DATA"
    assert rows(gateway_database, "SELECT count(*) FROM decisions") == [(1,)]


async def test_ticket_in_a_fast_replay_neither_expires_nor_is_stale(app, gateway_database):
    async with trading(app, gateway_database):
        sent = asyncio.create_task(post(app, "/orders", ticket()))
        for day in range(11, 40):
            await app.gateway.bus.publish([record(event) for event in slice_of(day, (102, 104, 101, 103))])
            await asyncio.sleep(0)
        answer = (await sent).json()
        assert answer["rejection"] is None
        await eventually(lambda: rows(gateway_database, "SELECT max(ts) = 40 * 86400000000000 FROM marks")[0][0])


async def test_ticket_without_a_bus_says_so(app, soon, monkeypatch):
    async def lost(_):
        raise RetriableError("the bus is away")

    monkeypatch.setattr(app.gateway.bus, "publish", lost)
    answer = await post(app, "/orders", ticket())
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert "Idempotency-Key" in answer.json()["hint"]


async def test_ticket_on_a_replay_that_is_over_is_refused(app, gateway_database):
    rows_changed = "UPDATE market_sessions SET state = 'completed' RETURNING 1"
    assert rows(gateway_database, rows_changed)
    answer = await post(app, "/orders", ticket())
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize("role", ["viewer", "researcher", "operator"])
async def test_ticket_of_somebody_who_may_not_trade_is_forbidden(app, role):
    answer = await post(app, "/orders", ticket(), headers=app.login_as(role))
    assert answer.status_code == 403


async def test_ticket_on_a_deployment_of_others_finds_nothing(app):
    stranger = app.login_as("trader", portfolios=("elsewhere",))
    for path, body in (
        ("/orders", ticket()),
        ("/flatten", {"deployment": DEPLOYMENT, "confirm": True}),
        ("/flatten", {"portfolio": PORTFOLIO, "confirm": True}),
    ):
        assert (await post(app, path, body, headers=stranger)).status_code == 404


async def test_order_is_canceled_and_answered_as_canceled(app, gateway_database):
    async with trading(app, gateway_database):
        limit = (await post(app, "/orders", ticket(order_type="limit", limit_price="50"))).json()["order"]
        other = (await post(app, "/orders", ticket(order_type="limit", limit_price="49"))).json()["order"]
        done = await app.client.delete(f"/api/v1/orders/{limit['order']}", headers=app.trader)
        assert done.json()["state"] == "canceled"
        again = await app.client.delete(f"/api/v1/orders/{limit['order']}", headers=app.trader)
        assert (again.status_code, again.json()["code"]) == (409, "CONFLICT")
        kept = await app.client.get(f"/api/v1/orders/{other['order']}", headers=app.trader)
        assert kept.json()["state"] == "accepted"
        stranger = app.login_as("trader", portfolios=("elsewhere",))
        hidden = await app.client.delete(f"/api/v1/orders/{other['order']}", headers=stranger)
        assert hidden.status_code == 404
    # A strategy did not decide it: a restarted runner must not wait to decide it again.
    assert rows(gateway_database, "SELECT cancel_decided_at FROM orders WHERE state = 'canceled'") == [(0,)]


async def test_flatten_cancels_what_works_and_closes_what_is_held(app, gateway_database):
    async with trading(app, gateway_database):
        await post(app, "/orders", ticket())
        await play(app, gateway_database, 11, (102, 104, 101, 103))
        working = (await post(app, "/orders", ticket(order_type="limit", limit_price="50"))).json()["order"]
        refused = await post(app, "/flatten", {"deployment": DEPLOYMENT})
        assert (refused.status_code, "confirm" in refused.json()["hint"]) == (422, True)
        answer = (await post(app, "/flatten", {"deployment": DEPLOYMENT, "confirm": True})).json()
        assert answer["canceling"] == [working["order"]]
        (closing,) = answer["closing"]
        assert (closing["order"]["side"], closing["order"]["quantity"]) == ("sell", "5")
        await play(app, gateway_database, 12, (105, 106, 103, 104))
        flat = (await post(app, "/flatten", {"portfolio": PORTFOLIO, "confirm": True})).json()
        assert flat == {"closing": [], "canceling": []}
    assert rows(gateway_database, "SELECT quantity FROM positions") == [(Decimal(0),)]
    assert rows(gateway_database, "SELECT state FROM orders WHERE order_id = %s", working["order"]) == [("canceled",)]


async def test_flatten_without_a_scope_is_refused(app):
    answer = await post(app, "/flatten", {"confirm": True})
    assert answer.status_code == 422


async def test_halt_stops_orders_and_resume_lets_them_pass(app, gateway_database):
    async with trading(app, gateway_database):
        working = (await post(app, "/orders", ticket(order_type="limit", limit_price="50"))).json()["order"]
        scope = {"scope": "deployment", "scope_id": DEPLOYMENT, "reason": "test"}
        halted = (await post(app, "/halts", scope)).json()
        assert (halted["sealed"], halted["working"]) == (True, [working["order"]])
        listed = (await app.client.get("/api/v1/halts", headers=app.trader)).json()["items"]
        assert [(one["scope_id"], one["state"], one["reason"]) for one in listed] == [(DEPLOYMENT, "halted", "test")]
        assert (await post(app, "/orders", ticket())).json()["rejection"]["code"] == "HALTED"
        resumed = (await post(app, "/halts/resume", scope)).json()
        assert resumed["state"] == "active"
        assert (await post(app, "/orders", ticket())).json()["order"]["state"] == "accepted"
        assert (await post(app, "/halts/resume", scope)).status_code == 404


async def test_halt_works_while_the_bus_is_down(app, gateway_database, monkeypatch):
    async def lost(_):
        raise RetriableError("the bus is away")

    monkeypatch.setattr(app.gateway.bus, "publish", lost)
    answer = await post(app, "/halts", {"scope": "global", "reason": "test", "reduce_only": True})
    assert answer.json()["halt"]["state"] == "reduce_only"
    assert rows(gateway_database, "SELECT state FROM halts") == [("reduce_only",)]


async def test_halt_of_a_scope_that_does_not_exist_is_not_taken_for_one(app):
    for scope, name in (("deployment", "dpe"), ("portfolio", "pp"), ("instrument", "TEST:Z")):
        answer = await post(app, "/halts", {"scope": scope, "scope_id": name, "reason": "test"})
        assert answer.status_code == 404, scope
    assert (await post(app, "/halts", {"scope": "deployment", "reason": "test"})).status_code == 422
    assert (await post(app, "/halts", {"scope": "global", "scope_id": "x", "reason": "test"})).status_code == 422


async def test_halt_beyond_ones_own_portfolios_is_forbidden(app):
    mine = app.login_as("trader", portfolios=(PORTFOLIO,))
    assert (await post(app, "/halts", {"scope": "global", "reason": "test"}, headers=mine)).status_code == 403
    wide = {"scope": "instrument", "scope_id": KEY, "reason": "test"}
    assert (await post(app, "/halts", wide, headers=mine)).status_code == 403
    own = {"scope": "portfolio", "scope_id": PORTFOLIO, "reason": "test"}
    assert (await post(app, "/halts", own, headers=mine)).status_code == 200
    stranger = app.login_as("trader", portfolios=("elsewhere",))
    assert (await app.client.get("/api/v1/halts", headers=stranger)).json()["items"] == []
    assert (await post(app, "/halts/resume", own, headers=stranger)).status_code == 404
