from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from millstream.contracts.api.market import Candle
from millstream.contracts.api.trading import EquityPoint, IndicatorPoint
from millstream.contracts.enums import Target
from millstream_dashboards.monitor.series import by_name, drawdown, groups, on_scale, portfolios, total

START = datetime(2026, 1, 1, tzinfo=UTC)


def point(hours: int, equity: str) -> EquityPoint:
    zero = Decimal(0)
    return EquityPoint(
        time=START + timedelta(hours=hours), equity=equity, cash=zero, realized_pnl=zero, unrealized_pnl=zero, fees=zero
    )


def deployment(name: str, target: Target, currency: str = "USD", portfolio: str = "") -> SimpleNamespace:
    return SimpleNamespace(
        deployment=name, target=target, currency=currency, portfolio=portfolio or name, initial_cash=Decimal(100)
    )


def test_paper_and_live_and_currencies_are_never_in_one_group():
    found = groups(
        [deployment("a", Target.PAPER), deployment("b", Target.LIVE), deployment("c", Target.PAPER, "EUR"),
         deployment("d", Target.PAPER)]
    )  # fmt: skip
    names = {key: [one.deployment for one in members] for key, members in found.items()}
    assert names == {("live", "USD"): ["b"], ("paper", "EUR"): ["c"], ("paper", "USD"): ["a", "d"]}


def test_a_portfolio_that_deployments_share_counts_once():
    assert portfolios([deployment("a", Target.PAPER, portfolio="p"), deployment("b", Target.PAPER, portfolio="p")]) == {
        "p": Decimal(100)
    }


def test_total_keeps_the_last_value_and_counts_initial_cash_before_the_first():
    parts = {"p": [point(0, "110"), point(2, "120")], "q": [point(1, "90"), point(2, "95")]}
    times, values = total(parts, {"p": Decimal(100), "q": Decimal(100)})
    assert [moment.hour for moment in times] == [0, 1, 2]
    assert values == [210, 200, 215]


def test_total_of_nothing_is_empty():
    assert total({}, {}) == ([], [])


def test_drawdown_is_the_fraction_below_the_peak_so_far():
    assert drawdown([100, 110, 99, 121]) == pytest.approx([0, 0, -0.1, 0])


def test_indicators_are_lines_by_name():
    points = [
        IndicatorPoint(time=START, instrument="X:Y", values={"fast": 1.0}),
        IndicatorPoint(time=START + timedelta(hours=1), instrument="X:Y", values={"fast": 2.0, "slow": 3.0}),
    ]
    lines = by_name(points)
    assert lines["fast"][1] == [1.0, 2.0]
    assert lines["slow"] == ([START + timedelta(hours=1)], [3.0])


def test_only_lines_near_the_prices_are_drawn_on_their_axis():
    candles = [Candle(time=START, open=100, high=110, low=90, close=105, volume=1)]
    assert on_scale(([START, START], [95.0, 112.0]), candles)
    assert not on_scale(([START, START], [30.0, 70.0]), candles)
    assert not on_scale(([], []), candles)
