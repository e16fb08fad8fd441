"""Sums, periods and drawdowns of equity curves, against hand-computed numbers and pandas."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from millstream.gateway.reads import curves
from millstream.gateway.reads.performance import Ratios, Wins, ratios, wins

D = Decimal
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def points(values, *, first=FIRST, step=1):
    return [
        curves.Point(first + timedelta(days=step * number), first + timedelta(days=step * number, hours=21), D(value))
        for number, value in enumerate(values)
    ]


def test_portfolio_counts_with_its_cash_before_its_first_point_and_with_its_last_equity_after_its_last():
    early, late = points(["110", "120"]), points(["45"], first=FIRST + timedelta(days=2))
    found = curves.total({"a": early, "b": late}, {"a": D(100), "b": D(50)})
    assert [point.value for point in found] == [160, 170, 165]


def test_results_are_the_changes_of_each_period_on_the_equity_at_its_start():
    found = curves.results(points([110, 99, 120], first=datetime(2024, 1, 30, tzinfo=UTC)), D(100), "%Y-%m")
    assert [(one.period, one.pnl, one.base) for one in found] == [("2024-01", -1, 100), ("2024-02", 21, 99)]
    assert found[1].fraction == pytest.approx(21 / 99)


def test_drawdowns_begin_at_a_peak_and_end_when_it_is_reached_again():
    found = curves.declines(points([120, 90, 108, 120, 130, 117]), D(100))
    assert [(one.depth, one.peak_at.day, one.trough_at.day) for one in found] == [(0.25, 1, 2), (0.1, 5, 6)]
    assert [one.recovered_at.day if one.recovered_at else None for one in found] == [4, None]


def test_equity_that_falls_at_once_falls_from_its_beginning():
    (one,) = curves.declines(points([80, 90]), D(100))
    assert (one.depth, one.recovered_at) == (pytest.approx(0.2), None)
    assert curves.declines([], D(100)) == []


def test_drawdowns_agree_with_pandas_on_a_random_walk():
    values = 1000 * np.exp(np.random.default_rng(7).normal(0, 0.02, 400).cumsum())
    equity = pd.Series([round(value, 2) for value in values])
    found = curves.declines(points([str(value) for value in equity]), D(1000))

    peak = equity.cummax().clip(lower=1000.0)
    under = equity < peak
    spells = (under & ~under.shift(fill_value=False)).cumsum()[under]
    expected = [float((1 - equity / peak)[spell.index].max()) for _, spell in spells.groupby(spells)]
    assert [one.depth for one in found] == pytest.approx(expected)


def test_ratios_are_those_of_daily_returns_by_textbook():
    values = [101, 100, 103, 102, 104, 104, 101, 105, 103, 106]
    weekdays = [FIRST + timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
    equity = [curves.Point(day, day, D(value)) for day, value in zip(weekdays, values, strict=True)]
    found = ratios(curves.results(equity, D(100), "%Y-%m-%d"), weekdays)

    returns = pd.Series([100, *values], dtype=float).pct_change().dropna()
    downside = np.sqrt((returns.clip(upper=0) ** 2).mean())
    # Closed at weekends: 252 days a year.
    assert found.volatility == pytest.approx(returns.std() * np.sqrt(252))
    assert found.sharpe == pytest.approx(returns.mean() / returns.std() * np.sqrt(252))
    assert found.sortino == pytest.approx(returns.mean() / downside * np.sqrt(252))


def test_ratios_of_a_market_without_weekends_count_every_day_of_a_year():
    equity = points([str(100 + number % 3) for number in range(30)])
    days = curves.results(equity, D(100), "%Y-%m-%d")
    found = ratios(days, [point.bucket for point in equity])
    returns = pd.Series([100, *[100 + number % 3 for number in range(30)]], dtype=float).pct_change().dropna()
    assert found.volatility == pytest.approx(returns.std() * np.sqrt(365.25))


def test_one_day_has_no_ratios():
    assert ratios(curves.results(points([101]), D(100), "%Y-%m-%d"), [FIRST]) == Ratios()


def test_wins_count_profits_after_fees():
    assert wins([D(30), D(-10), D(-5), D(0)]) == Wins(rate=0.25, profit_factor=2.0, average=D("3.75"))
    assert wins([D(3)]) == Wins(rate=1.0, profit_factor=None, average=D(3))
    assert wins([]) == Wins()
