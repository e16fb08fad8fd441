"""Reports over periods and selections, against numbers computed beside them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import psycopg
import pytest
from psycopg.types.json import Jsonb
from support.gateway import gateway_app
from support.trading import CAPITAL, DAY, DEPLOYMENT, KEY, PORTFOLIO, rows, seed

from millstream.contracts.time import to_datetime
from millstream.gateway.reads import reports
from millstream.market import candles


@pytest.fixture
def history(database, history_template):
    """URL of a database with the history, this test's own."""
    return database(history_template)


@pytest.fixture
async def app(history, redis_url):
    async with gateway_app(history, redis_url) as app:
        app.viewer = app.login_as("viewer")
        yield app


async def get(app, path, **params):
    answer = await app.client.get(f"/api/v1{path}", params=params, headers=app.viewer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_report_agrees_with_the_equity_rows_and_the_fills(app, history):
    (found,) = (await get(app, "/reports"))["items"]
    values = [float(value) for (value,) in rows(history, "SELECT equity FROM equity ORDER BY ts")]
    equity = pd.Series([float(CAPITAL), *values])
    returns = equity.pct_change().dropna()

    assert (found["target"], found["currency"], found["deployments"]) == ("paper", "USD", [DEPLOYMENT])
    assert float(found["pnl"]) == pytest.approx(equity.iloc[-1] - equity.iloc[0])
    assert found["return_pct"] == pytest.approx(100 * (equity.iloc[-1] / equity.iloc[0] - 1))
    assert Decimal(found["fees"]) == Decimal("2.409")
    assert found["max_drawdown"] == pytest.approx(float((1 - equity / equity.cummax()).max()))
    # The four days include a weekend, so the year has as many days as they say: all of it.
    assert found["sharpe"] == pytest.approx(returns.mean() / returns.std() * np.sqrt(365.25))
    assert [one["period"] for one in found["days"]] == ["1970-01-11", "1970-01-12", "1970-01-13", "1970-01-14"]
    assert [float(one["pnl"]) for one in found["days"]] == pytest.approx(list(equity.diff().dropna()))
    assert [one["trades"] for one in found["days"]] == [0, 0, 0, 1]
    assert sum(Decimal(one["fees"]) for one in found["days"]) == Decimal(found["fees"])
    (month,) = found["months"]
    assert (month["period"], month["pnl"], month["trades"]) == ("1970-01", found["pnl"], 1)


async def test_report_counts_closed_trades_and_attributes_everything(app):
    (found,) = (await get(app, "/reports"))["items"]
    assert (found["trades"], found["win_rate"], found["trades_per_day"]) == (1, 1.0, 0.25)
    assert found["best"] == found["worst"]
    assert Decimal(found["best"]["pnl"]) == Decimal(found["average_trade"]) == Decimal("42.915")
    (strategy,) = found["by_strategy"]
    (instrument,) = found["by_instrument"]
    assert (strategy["name"], instrument["name"]) == ("s", KEY)
    # With the open trade, what the instruments brought is all of the profit.
    assert Decimal(strategy["pnl"]) == Decimal(instrument["pnl"]) == Decimal(found["pnl"])
    assert Decimal(instrument["traded_notional"]) == 10 * 102 + 5 * 105 + 8 * 108


async def test_report_of_a_period_begins_with_its_equity_and_ends_with_its_last_slice(app, history):
    start, end = to_datetime(12 * DAY).isoformat(), to_datetime(13 * DAY).isoformat()
    (found,) = (await get(app, "/reports", start=start, end=end))["items"]
    (before,), (after,) = rows(history, "SELECT equity FROM equity ORDER BY ts OFFSET 1 LIMIT 2")
    assert (Decimal(found["initial"]), Decimal(found["final"])) == (before, after)
    assert [one["period"] for one in found["days"]] == ["1970-01-13"]
    assert (found["trades"], found["best"]) == (0, None)


async def test_report_of_an_instrument_is_that_of_its_trades(app):
    (found,) = (await get(app, "/reports", instrument=KEY))["items"]
    assert Decimal(found["pnl"]) == Decimal("42.915") - Decimal("3.324")
    assert [one["period"] for one in found["days"]] == ["1970-01-14"]
    (other,) = (await get(app, "/reports", instrument="TEST:B"))["items"]
    assert (other["trades"], Decimal(other["pnl"]), other["by_instrument"]) == (0, 0, [])


async def test_report_of_more_trades_than_are_read_at_once_says_so_instead_of_leaving_some_out(app, monkeypatch):
    monkeypatch.setattr(reports, "MOST_TRADES", 1)
    answer = await app.client.get("/api/v1/reports", headers=app.viewer)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "INVALID_INPUT")
    assert "more than 1 trades" in problem["detail"]
    assert "shorter period" in problem["hint"]


async def test_several_portfolios_of_one_target_and_currency_are_one_sum(app, history):
    seed(history, deployment="second", portfolio="second", session="replay-two")
    (both,) = (await get(app, "/reports"))["items"]
    (one,) = (await get(app, "/reports", deployment=DEPLOYMENT))["items"]
    assert (Decimal(both["initial"]), both["pnl"]) == (2 * CAPITAL, one["pnl"])
    (picked,) = (await get(app, "/reports", deployment=[DEPLOYMENT, "second"], portfolio=PORTFOLIO))["items"]
    assert picked["deployments"] == [DEPLOYMENT]


def backtested(dsn, *orders):
    """Give the release a report with these (day, side, quantity, price), and the runner a checkpoint."""
    frame = pd.DataFrame(
        {name: [100.0, 103.0, 104.0, 109.0] for name in ("open", "high", "low", "close")} | {"volume": 1.0},
        index=pd.to_datetime([day * DAY for day in (10, 11, 12, 13)], utc=True).as_unit("ns"),
    )
    lines = [
        {
            "decision_time": to_datetime(day * DAY).isoformat(),
            "execution_time": to_datetime(day * DAY).isoformat(),
            "instrument": KEY,
            "side": side,
            "quantity": quantity,
            "price": price,
            "fee": 0.0,
            "order_type": "market",
            "leg": "",
            "status": "filled",
        }
        for day, side, quantity, price in orders
    ]
    report = {"capital": 50_000.0, "orders": lines, "statistics": {"end": "1970-01-14 00:00:00+00:00"}}
    with psycopg.connect(dsn) as conn:
        candles.load(conn, KEY, "1d", frame, source="test")
        conn.execute("UPDATE releases SET report = %s", (Jsonb(report),))
        conn.execute("UPDATE deployments SET started_ts = %s", (11 * DAY,))
        conn.execute(
            "INSERT INTO runners VALUES (%s, 1, 'running', '', 1, '', 0, now(), now(), '', '', %s, '{}')",
            (DEPLOYMENT, 14 * DAY),
        )


async def test_comparison_with_the_backtest_counts_orders_and_scales_its_profit(app, history):
    backtested(history, (11, "buy", 5.0, 102.0), (12, "sell", 2.5, 105.0))
    found = await get(app, "/reports/backtest", deployment=DEPLOYMENT)
    # Each of the three orders brought its own stop.
    assert (found["orders_backtest"], found["orders_paper"]) == (2, 3 + 3)
    # (105 - 102) × 2.5 and (109 - 102) × 2.5, on half of the capital.
    assert Decimal(found["pnl_backtest"]) == 50
    assert "2 orders were decided at the same bar" in found["explanation"]
    assert "scaled by 2," in found["explanation"]


async def test_comparison_before_anything_was_decided_says_so(app):
    found = await get(app, "/reports/backtest", deployment=DEPLOYMENT)
    assert (found["orders_paper"], found["pnl_backtest"]) == (0, None)
    assert found["explanation"].startswith("Nothing to compare yet")
