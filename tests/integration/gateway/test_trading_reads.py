"""What the routes of trading, risk and reports tell of a short trading history."""

from decimal import Decimal

import msgspec
import psycopg
import pytest
from psycopg.types.json import Jsonb
from support.gateway import gateway_app
from support.trading import (
    CAPITAL,
    DAY,
    DEPLOYMENT,
    INSTRUMENT,
    KEY,
    PORTFOLIO,
    SESSION,
    eventually,
    order,
    record,
    rows,
    seed,
    serving,
    slice_of,
)

from millstream.contracts.enums import ScopeKind, Side
from millstream.market.instruments import register
from millstream.market.sessions import finish_session
from millstream.risk import kill_switch


@pytest.fixture
def history(database, history_template):
    """URL of a database with the history, this test's own."""
    return database(history_template)


@pytest.fixture
async def app(history, redis_url):
    async with gateway_app(history, redis_url) as app:
        app.viewer = app.login_as("viewer")
        yield app


async def get(app, path, headers=None, **params):
    answer = await app.client.get(f"/api/v1{path}", params=params, headers=headers or app.viewer)
    assert answer.status_code == 200, answer.text
    return answer.json()


def note_indicators(dsn, *points):
    with psycopg.connect(dsn) as conn:
        for day, values in points:
            conn.execute("INSERT INTO indicators VALUES (%s, %s, %s, %s)", (DEPLOYMENT, KEY, day * DAY, Jsonb(values)))


async def test_orders_are_told_newest_first_and_paged_without_a_hole(app):
    everything = (await get(app, "/orders"))["items"]
    assert [one["side"] for one in everything if not one["leg"]] == ["sell", "sell", "buy"]
    seen, cursor = [], ""
    while True:
        part = await get(app, "/orders", limit=2, cursor=cursor, deployment=DEPLOYMENT)
        seen += part["items"]
        cursor = part["next"]
        if not cursor:
            break
    assert [one["order"] for one in seen] == [one["order"] for one in everything]
    newest = next(one for one in everything if not one["leg"])
    assert (newest["state"], newest["filled"], newest["average_price"]) == ("filled", "8", "108")
    assert newest["tag"] == "rule"
    assert newest["target"] == "paper"
    assert await get(app, f"/orders/{newest['order']}") == newest


async def test_orders_are_filtered_by_state_work_time_strategy_and_target(app):
    working = (await get(app, "/orders", working=True))["items"]
    assert [one["leg"].partition(".")[0] for one in working] == ["stop_loss"]
    assert {one["state"] for one in (await get(app, "/orders", state="filled"))["items"]} == {"filled"}
    assert (await get(app, "/orders", target="live"))["items"] == []
    assert (await get(app, "/orders", strategy="other"))["items"] == []
    assert len((await get(app, "/orders", strategy=["s", "other"]))["items"]) > 3
    day = "1970-01-13T00:00:00Z"
    assert all(one["decided_at"] >= day for one in (await get(app, "/orders", start=day))["items"])


async def test_people_see_only_their_portfolios(app):
    stranger = app.login_as("viewer", portfolios=("elsewhere",))
    for path in ("/orders", "/fills", "/trades", "/rejections", "/positions", "/portfolios", "/limits", "/reports"):
        assert (await get(app, path, headers=stranger))["items"] == [], path
    known = (await get(app, "/orders"))["items"][0]["order"]
    for path in (
        f"/orders/{known}",
        f"/portfolios/{PORTFOLIO}",
        f"/equity?portfolio={PORTFOLIO}",
        f"/indicators?deployment={DEPLOYMENT}",
        f"/reports/backtest?deployment={DEPLOYMENT}",
    ):
        answer = await app.client.get(f"/api/v1{path}", headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
    mine = app.login_as("viewer", portfolios=(PORTFOLIO,))
    assert (await get(app, "/orders", headers=mine))["items"] == (await get(app, "/orders"))["items"]


async def test_fills_and_rejections_are_told_with_their_facts(app):
    found = (await get(app, "/fills"))["items"]
    assert [(one["side"], one["quantity"], one["price"]) for one in found] == [
        ("sell", "8", "108"),
        ("sell", "5", "105"),
        ("buy", "10", "102"),
    ]
    assert found[0]["realized_pnl"] == "30"
    assert (await get(app, "/fills", limit=1))["items"] == found[:1]
    (refused,) = (await get(app, "/rejections", code="INVALID_INTENT"))["items"]
    assert refused["deployment"] == DEPLOYMENT
    assert (await get(app, "/rejections", code="HALTED"))["items"] == []


async def test_trades_pair_partial_closes_and_a_reversal_with_their_indicators(app, history):
    note_indicators(history, (11, {"fast": 1.5}), (13, {"fast": 2.5}))
    short, long = (await get(app, "/trades"))["items"]
    assert (long["side"], long["quantity"], long["entry_price"], long["exit_price"]) == ("buy", "10", "102", "106.5")
    # 5 × 3 + 5 × 6, fees 1.02 + 0.525 + 0.54 (5 of the 8 that were sold)
    assert Decimal(long["pnl"]) == 45 - Decimal("2.085")
    assert Decimal(long["fees"]) == Decimal("2.085")
    assert long["closed_at"].startswith("1970-01-14")
    assert long["reason"] == "rule"
    assert (long["indicators"], long["exit_indicators"]) == ({"fast": 1.5}, {"fast": 2.5})
    assert long["return"] == pytest.approx((45 - 2.085) / 1020)
    # 3 short at 108, marked at 109, fee 0.324
    assert (short["side"], short["quantity"], short["closed_at"]) == ("sell", "3", None)
    assert Decimal(short["pnl"]) == -3 - Decimal("0.324")
    assert short["indicators"] == {"fast": 2.5}


async def test_trades_are_paged_and_filtered_by_open_and_time_of_the_close(app):
    first = await get(app, "/trades", limit=1)
    second = await get(app, "/trades", limit=1, cursor=first["next"])
    assert [first["items"][0]["closed_at"] is None, second["items"][0]["closed_at"] is None] == [True, False]
    assert second["next"] == ""
    assert len((await get(app, "/trades", open=True))["items"]) == 1
    assert len((await get(app, "/trades", open=False))["items"]) == 1
    assert (await get(app, "/trades", open=False, start="1970-01-15T00:00:00Z"))["items"] == []
    assert (await get(app, "/trades", open=False, end="1970-01-14T00:00:00Z"))["items"] == []
    assert len((await get(app, "/trades", open=False, end="1970-01-14T00:00:01Z"))["items"]) == 1


async def test_trades_are_exported_as_csv(app):
    answer = await app.client.get("/api/v1/trades.csv", headers=app.viewer)
    assert answer.headers["content-type"].startswith("text/csv")
    head, *lines = answer.text.splitlines()
    assert head.startswith("trade,target,deployment,")
    assert len(lines) == 2
    assert ",106.5," in lines[1]


async def test_indicators_are_told_oldest_first_and_paged(app, history):
    note_indicators(history, (11, {"fast": 1.5}), (12, {"fast": 2.0}), (13, {"fast": 2.5}))
    first = await get(app, "/indicators", deployment=DEPLOYMENT, limit=2)
    rest = await get(app, "/indicators", deployment=DEPLOYMENT, limit=2, cursor=first["next"])
    assert [one["values"]["fast"] for one in (*first["items"], *rest["items"])] == [1.5, 2.0, 2.5]
    late = await get(app, "/indicators", deployment=DEPLOYMENT, instrument=KEY, start="1970-01-14T00:00:00Z")
    assert [one["time"] for one in late["items"]] == ["1970-01-14T00:00:00Z"]


async def test_position_has_its_mark_profit_and_stop(app):
    (held,) = (await get(app, "/positions"))["items"]
    assert (held["quantity"], held["average_price"], held["mark"]) == ("-3", "108", "109")
    assert held["unrealized_pnl"] == "-3"
    assert Decimal(held["stop_price"]) == Decimal("118.8")
    assert held["target_price"] is None
    assert (await get(app, "/positions", instrument="TEST:B"))["items"] == []


async def test_completed_deployment_of_several_instruments_has_the_profit_of_its_open_trades(
    gateway_database, redis_url
):
    """What a side bar shows (a deployment's P&L) is what the overview and the open trades show."""
    other = msgspec.structs.replace(INSTRUMENT, symbol="B")
    seed(gateway_database)
    with psycopg.connect(gateway_database) as conn:
        register(conn, other)
        conn.execute("UPDATE market_sessions SET instruments = %s", ([KEY, other.key],))
        conn.execute("UPDATE deployments SET instruments = %s", ([KEY, other.key],))
    second = msgspec.structs.replace(
        order(11, Side.BUY, 20, sequence=1), instrument=other.key, risk_key=f"{PORTFOLIO}:{other.key}"
    )
    async with gateway_app(gateway_database, redis_url) as app, serving(gateway_database, app.gateway.bus):
        app.viewer = app.login_as("viewer")
        slices = {
            10: ((100,) * 4, (50,) * 4),
            11: ((102, 104, 101, 103), (51, 52, 50, 50)),
            12: ((105,) * 4, (49,) * 4),
        }
        for number, (day, (first, then)) in enumerate(slices.items(), start=1):
            events = [*slice_of(day, first), *slice_of(day, then, instrument=other.key)]
            await app.gateway.bus.publish([record(event) for event in sorted(events, key=lambda one: one.sequence % 3)])
            await eventually(lambda n=number: rows(gateway_database, "SELECT count(*) = %s FROM equity", n)[0][0])
            if day == 10:
                await app.gateway.bus.publish([record(order(11, Side.BUY, 10)), record(second)])
                await eventually(
                    lambda: rows(gateway_database, "SELECT count(*) = 2 FROM orders WHERE acked_wall > 0")[0][0]
                )
        marked = "SELECT count(*) = 1 FROM marks WHERE instrument = %s AND price = 49"
        await eventually(lambda: rows(gateway_database, marked, other.key)[0][0])
        with psycopg.connect(gateway_database) as conn:
            finish_session(conn, SESSION)
            conn.execute(
                "INSERT INTO runners VALUES (%s, 1, 'completed', '', 0, '', 0, now(), now(), '', '', %s, '{}')",
                (DEPLOYMENT, 13 * DAY),
            )
        (found,) = (await get(app, "/deployments"))["items"]
        trades = (await get(app, "/trades", open=True))["items"]
        (total,) = (await get(app, "/overview"))["totals"]

    # 10 × (105 − 102) and 20 × (49 − 51); fees of a thousandth of 1,020 and of 1,020.
    assert found["state"] == "completed"
    assert (Decimal(found["unrealized_pnl"]), Decimal(found["realized_pnl"])) == (30 - 40, 0)
    assert Decimal(found["fees"]) == Decimal("2.04")
    assert {one["instrument"]: Decimal(one["pnl"]) for one in trades} == {
        KEY: 30 - Decimal("1.02"), other.key: -40 - Decimal("1.02"),
    }  # fmt: skip
    assert Decimal(total["pnl"]) == sum(Decimal(one["pnl"]) for one in trades) == -10 - Decimal("2.04")


async def test_portfolio_equity_and_overview_agree(app):
    expected = CAPITAL + 45 - 3 - Decimal("1.02") - Decimal("0.525") - Decimal("0.864")
    found = await get(app, f"/portfolios/{PORTFOLIO}")
    assert Decimal(found["equity"]) == expected
    assert (await get(app, "/portfolios"))["items"] == [found]
    assert Decimal(found["exposure"]) == 327
    points = (await get(app, "/equity", portfolio=PORTFOLIO))["items"]
    assert len(points) == 4
    assert Decimal(points[-1]["equity"]) == expected
    thinned = (await get(app, "/equity", portfolio=PORTFOLIO, points=4))["items"]
    assert thinned[-1] == points[-1]
    (total,) = (await get(app, "/overview"))["totals"]
    assert (total["target"], total["currency"], Decimal(total["equity"])) == ("paper", "USD", expected)
    assert (total["open_trades"], total["closed_trades"]) == (1, 1)
    assert Decimal(total["pnl"]) == expected - CAPITAL
    assert Decimal(found["day_pnl"]) == Decimal(total["day_pnl"])


async def test_overview_counts_runners_halts_cash_and_refusals(app, history):
    with psycopg.connect(history) as conn:
        kill_switch.halt(conn, ScopeKind.DEPLOYMENT, DEPLOYMENT, "me", "test")
    found = await get(app, "/overview")
    assert (found["runners"], found["halts"], found["rejections_today"]) == ({"pending": 1}, 1, 1)
    assert set(found["balances"]["paper"]) == {"USD"}
    assert (await get(app, "/overview", deployment="other"))["totals"] == []


async def test_paper_and_live_are_never_one_sum(app, history):
    seed(history, deployment="real", portfolio="real", session="replay-two")
    with psycopg.connect(history) as conn:
        conn.execute("UPDATE portfolios SET target = 'live' WHERE portfolio_id = 'real'")
    totals = (await get(app, "/overview"))["totals"]
    assert [(one["target"], Decimal(one["initial_cash"])) for one in totals] == [("live", CAPITAL), ("paper", CAPITAL)]
    found = (await get(app, "/reports"))["items"]
    assert [(one["target"], one["deployments"]) for one in found] == [("live", ["real"]), ("paper", [DEPLOYMENT])]


async def test_limits_are_measured_as_the_rules_measure_them(app):
    found = {one["name"]: one for one in (await get(app, "/limits"))["items"]}
    equity = Decimal((await get(app, f"/portfolios/{PORTFOLIO}"))["equity"])
    assert Decimal(found["max_position_of_equity"]["used"]) == 327 / equity
    assert found["max_position_of_equity"]["code"] == "MAX_POSITION"
    assert Decimal(found["buying_power"]["used"]) == 327
    assert found["buying_power"]["use"] == pytest.approx(327 / (3 * float(equity) * 1.01))
    assert found["max_order_qty"]["used"] is None
    assert Decimal(found["max_data_age"]["limit"]) == 14 * 86_400
    assert Decimal(found["daily_loss"]["used"]) >= 0


async def test_tripped_day_is_a_latch_until_the_day_ends(app, history):
    assert (await get(app, "/latches"))["items"] == []
    with psycopg.connect(history) as conn:
        conn.execute(
            "UPDATE risk_latches SET value = value || %s WHERE name = 'day'", (Jsonb({"tripped": [DEPLOYMENT]}),)
        )
    (latch,) = (await get(app, "/latches"))["items"]
    assert (latch["scope"], latch["scope_id"], latch["name"]) == ("deployment", DEPLOYMENT, "daily_loss")
    with psycopg.connect(history) as conn:
        conn.execute("UPDATE marks SET ts = ts + %s WHERE session = %s", (DAY, SESSION))
    assert (await get(app, "/latches"))["items"] == []


async def test_period_that_ends_before_it_starts_is_refused(app):
    answer = await app.client.get(
        "/api/v1/orders", params={"start": "2020-01-02T00:00:00Z", "end": "2020-01-01T00:00:00Z"}, headers=app.viewer
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
