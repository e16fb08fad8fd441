"""Drawdowns of the overview, of portfolios and of reports are of one curve: numbers worked out by hand."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from support.gateway import GatewayApp, gateway_app
from support.trading import CAPITAL, DAY, seed

from millstream.contracts.time import to_datetime
from millstream.store.partitions import ensure_partitions_sync

API = "/api/v1"
# Thousands at the close of each day; both began with 100. Own peaks 130 and 130, but together never above 240.
CLOSES = {"one": {11: 130, 12: 110, 13: 120}, "two": {11: 80, 12: 130, 13: 90}}


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    for name, closes in CLOSES.items():
        seed(gateway_database, deployment=name, portfolio=name, session=f"replay-{name}")
        for day, thousands in closes.items():
            close(gateway_database, name, day, thousands)
    assert CAPITAL == 100_000
    async with gateway_app(gateway_database, redis_url) as opened:
        opened.viewer = opened.login_as("viewer")
        yield opened


def close(dsn: str, portfolio: str, day: int, thousands: int) -> None:
    """A slice that closes with ``day``; what is there now is what there was then, in cash."""
    moment = to_datetime((day + 1) * DAY)
    with psycopg.connect(dsn) as conn:
        ensure_partitions_sync(conn, "equity", moment, moment)
        conn.execute(
            "INSERT INTO equity VALUES (%s, %s, %s, %s, 0, 0, 0)"
            " ON CONFLICT (portfolio_id, ts) DO UPDATE SET equity = excluded.equity",
            (portfolio, moment, thousands * 1000, thousands * 1000),
        )
    stand(dsn, portfolio, thousands)


def stand(dsn: str, portfolio: str, thousands: int) -> None:
    """What a portfolio is worth at this moment, between two slices."""
    with psycopg.connect(dsn) as conn:
        conn.execute("UPDATE cash SET amount = %s WHERE portfolio_id = %s", (thousands * 1000, portfolio))


async def get(app: GatewayApp, path: str, **params: object):
    answer = await app.client.get(f"{API}{path}", params=params, headers=app.viewer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def drawdowns(app: GatewayApp, **params: object) -> tuple[float, float]:
    """The present drawdown of the overview and the greatest of the report."""
    (total,) = (await get(app, "/overview", **params))["totals"]
    (report,) = (await get(app, "/reports", **params))["items"]
    deepest = max((one["depth"] for one in report["drawdowns"]), default=0.0)
    assert deepest == report["max_drawdown"]
    return total["drawdown"], report["max_drawdown"]


async def test_drawdown_of_several_portfolios_is_from_the_peak_of_their_sum(app: GatewayApp):
    # 200, 210, 240, 210.
    assert await drawdowns(app) == (0.125, 0.125)


async def test_drawdown_of_one_portfolio_is_from_its_own_peak_wherever_it_is_told(app: GatewayApp):
    # 100, 80, 130, 90.
    expected = pytest.approx(40 / 130)
    assert await drawdowns(app, deployment="two") == (expected, expected)
    found = {one["portfolio"]: one["drawdown"] for one in (await get(app, "/portfolios"))["items"]}
    assert found == {"one": pytest.approx(10 / 130), "two": expected}
    assert (await get(app, "/portfolios/two"))["drawdown"] == expected


async def test_present_moment_is_the_last_point_of_both(app: GatewayApp):
    dsn = app.gateway.endpoints.database_url
    stand(dsn, "two", 78)
    assert await drawdowns(app) == (0.175, 0.175)
    stand(dsn, "two", 150)
    # 270 is a new peak; the fall to 210 is the deepest before it.
    assert await drawdowns(app) == (0.0, 0.125)


async def test_drawdown_follows_slices_that_come_late_are_corrected_or_make_the_curve_coarser(app: GatewayApp):
    dsn = app.gateway.endpoints.database_url
    assert await drawdowns(app) == (0.125, 0.125)
    close(dsn, "one", 15, 170)
    assert await drawdowns(app) == (0.0, 0.125)
    # The other one is behind in market time: 240, 210, 200 (day 14), then 250 with the peak before the fall to 190.
    close(dsn, "two", 14, 80)
    close(dsn, "one", 16, 110)
    assert await drawdowns(app) == (pytest.approx(60 / 250), pytest.approx(60 / 250))
    close(dsn, "one", 16, 120)
    assert await drawdowns(app) == (pytest.approx(50 / 250), pytest.approx(50 / 250))
    # Over more than 90 days only the closes of days count: that of day 200 is its second.
    close(dsn, "one", 200, 300)
    moment = to_datetime(201 * DAY) - timedelta(hours=1)
    with psycopg.connect(dsn) as conn:
        conn.execute("UPDATE equity SET ts = %s WHERE equity = 300000", (moment,))
    close(dsn, "one", 200, 180)
    assert await drawdowns(app) == (0.0, pytest.approx(50 / 250))


async def test_paper_and_live_have_drawdowns_of_their_own(app: GatewayApp):
    with psycopg.connect(app.gateway.endpoints.database_url) as conn:
        conn.execute("UPDATE portfolios SET target = 'live' WHERE portfolio_id = 'two'")
    live = ("live", pytest.approx(40 / 130))
    totals = (await get(app, "/overview"))["totals"]
    assert [(one["target"], one["drawdown"]) for one in totals] == [live, ("paper", pytest.approx(10 / 130))]
    found = (await get(app, "/reports"))["items"]
    assert [(one["target"], one["max_drawdown"]) for one in found] == [live, ("paper", pytest.approx(20 / 130))]


async def test_report_of_a_period_that_ended_knows_nothing_of_this_moment(app: GatewayApp):
    stand(app.gateway.endpoints.database_url, "two", 10)
    (report,) = (await get(app, "/reports", end=to_datetime(14 * DAY).isoformat()))["items"]
    assert report["max_drawdown"] == 0.125
    assert Decimal(report["final"]) == 210_000
