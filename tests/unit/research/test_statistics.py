import math

import numpy as np
import pandas as pd
import pytest

from millstream.contracts.money import decimal
from millstream.research.equity import Curves
from millstream.research.orders import Execution
from millstream.research.statistics import drawdown_curve, periods_per_year, statistics
from millstream.research.trades import closed_trades


def of(equity, capital=100.0, timeframe="1d", trades=None):
    index = pd.date_range("2024-01-01", periods=len(equity), freq="D", tz="UTC", unit="ns")
    series = pd.Series(np.asarray(equity, dtype=float), index)
    flat = pd.Series(0.0, index)
    curves = Curves(series, series, pd.DataFrame(index=index), flat)
    table = closed_trades([]) if trades is None else trades
    return statistics(curves, capital, timeframe, traded=50.0, fees=1.0, orders=2, trades=table)


def test_known_equity_gives_known_statistics():
    found = of([110, 99, 108.9, 108.9])
    returns = np.array([0.1, -0.1, 0.1, 0.0])
    assert found.total_return == pytest.approx(0.089)
    assert found.profit == pytest.approx(8.9)
    assert found.cagr == pytest.approx(1.089 ** (365.25 / 4) - 1)
    assert found.volatility == pytest.approx(returns.std(ddof=1) * math.sqrt(365.25))
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365.25))
    assert found.sortino == pytest.approx(returns.mean() / math.sqrt(0.01 / 4) * math.sqrt(365.25))
    assert found.max_drawdown == pytest.approx(-0.1)
    assert found.max_drawdown_days == pytest.approx(3)
    assert found.calmar == pytest.approx(found.cagr / 0.1)


def test_flat_equity_has_no_ratios():
    found = of([100, 100, 100])
    assert (found.total_return, found.max_drawdown) == (0, 0)
    assert (found.sharpe, found.sortino, found.calmar, found.win_rate, found.profit_factor) == (None,) * 5


def test_single_bar_and_ruin_are_no_errors():
    assert of([101]).sharpe is None
    assert of([50, -10]).cagr is None


def test_drawdown_counts_from_the_capital():
    curve = drawdown_curve(pd.Series([90.0, 120.0, 60.0]), 100.0)
    assert curve.tolist() == pytest.approx([-0.1, 0.0, -0.5])


@pytest.mark.parametrize(
    ("index", "timeframe", "expected"),
    [
        (pd.date_range("2024-01-01", periods=500, freq="D", tz="UTC"), "1d", 365.25),
        (pd.date_range("2024-01-01", periods=500, freq="B", tz="UTC"), "1d", 252),
        (pd.date_range("2024-01-01", periods=500, freq="h", tz="UTC"), "1h", 365.25 * 24),
        (pd.date_range("2024-01-01", periods=1, freq="h", tz="UTC"), "1h", 365.25 * 24),
        (pd.date_range("2024-01-01", periods=1000, freq="2h", tz="UTC"), "1h", 365.25 * 12),
    ],
)
def test_periods_per_year(index, timeframe, expected):
    assert periods_per_year(index, timeframe) == pytest.approx(expected, rel=0.001)


def execution(ts, quantity, price, fee=0.0):
    return Execution(
        ts=ts, instrument="T:A", quantity=decimal(quantity), price=decimal(price), fee=decimal(fee), row=ts
    )


def test_closed_trade_is_priced_at_average_cost_with_its_share_of_fees():
    table = closed_trades([execution(1, 10, 100, 2.0), execution(2, 10, 110, 2.0), execution(3, -5, 120, 1.0)])
    (row,) = table.itertuples()
    assert (row.side, row.quantity, row.entry_price, row.exit_price) == ("long", 5, 105, 120)
    assert row.fees == pytest.approx(2.0)
    assert row.pnl == pytest.approx(73.0)


def test_reversal_closes_the_whole_position_and_opens_the_rest():
    table = closed_trades([execution(1, 10, 100), execution(2, -15, 90, 3.0), execution(3, 5, 80)])
    assert table["side"].tolist() == ["long", "short"]
    assert table["pnl"].tolist() == pytest.approx([-102.0, 49.0])
    assert table["entry_time"].iloc[1] == pd.Timestamp(2, unit="ns", tz="UTC")


def test_win_rate_and_profit_factor_count_closed_trades():
    table = closed_trades([execution(1, 1, 100), execution(2, -1, 110), execution(3, 1, 100), execution(4, -1, 95)])
    found = of([100, 110, 105], trades=table)
    assert (found.trades, found.win_rate, found.profit_factor) == (2, 0.5, 2.0)
