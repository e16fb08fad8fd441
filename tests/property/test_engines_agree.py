"""The vectorised backtest and the replay over the real core agree order by order, whatever the market does."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millstream.research.backtest import backtest_candles
from millstream.research.candles import Candles
from millstream.research.costs import costs_of
from millstream.sdk import Strategy, testing
from millstream.sdk.bars import combine

NAMES = ("AAPL", "FB", "IBM")


class Cross(Strategy):
    """Long above, short below, in equal parts; deliberately not robust to ties."""

    fast: int = 2
    slow: int = 5

    def target(self, bars):
        gap = bars.close.rolling(self.fast).mean() - bars.close.rolling(self.slow).mean()
        parts = bars.close.shape[1] if bars.close.ndim > 1 else 1
        return np.sign(gap) / parts


class Rotation(Strategy):
    """Half in the strongest instrument of the last bars, ranked every so often; weights are carried over gaps."""

    lookback: int = 3
    every: int = 4

    def target(self, bars):
        momentum = bars.close.ffill().pct_change(self.lookback, fill_method=None)
        best = (momentum.rank(axis=1, ascending=False, method="first") <= 1).astype(float)
        return best[np.arange(len(bars)) % self.every == 0].reindex(bars.index).ffill() / 2


@st.composite
def markets(draw, instruments):
    """Candles with ties, jumps, gaps between close and open, missing bars and different first days."""
    rows = draw(st.integers(12, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    moves = draw(st.sampled_from([0.0, 0.001, 0.03, 0.15]))
    flat = draw(st.floats(0, 0.9))
    tables = {}
    for number in range(instruments):
        steps = rng.normal(0, moves, rows) * (rng.random(rows) > flat)
        closes = np.round(100 * np.exp(np.cumsum(steps)), draw(st.integers(0, 6))) + 0.01
        table = testing.frame(closes)
        table["open"] = table["open"] * np.exp(rng.normal(0, moves / 2, rows))
        table["high"] = table[["open", "close", "high"]].max(axis=1)
        table["low"] = table[["open", "close", "low"]].min(axis=1)
        present = rng.random(rows) > (draw(st.floats(0, 0.4)) if instruments > 1 else 0)
        present[: rng.integers(0, rows // 2) if number else 0] = False
        present[-1] = True
        tables[NAMES[number]] = table[present]
    return tables


def run_both(strategy, tables, lot, fees, slippage):
    listed = tuple(
        testing.instrument(name, lot_step=lot, fee_rate=Decimal("0.001"), maker_fee_rate=Decimal("0.001"))
        for name in tables
    )
    data = Candles(listed, "1d", combine(tables))
    costs = costs_of(fees, slippage)
    return (
        backtest_candles(strategy, data, costs=costs),
        backtest_candles(strategy, data, costs=costs, engine="replay"),
    )


def exact(order):
    """What must be the same to the last digit; prices and fees are multiples of the same numbers, cut at 28 digits."""
    return replace(order, price=None, fee=None)


def assert_same(first, second):
    assert not second.rejections
    assert [exact(order) for order in first.order_lines] == [exact(order) for order in second.order_lines]
    pd.testing.assert_frame_equal(first.orders, second.orders, check_exact=False, rtol=1e-12)
    np.testing.assert_allclose(first.equity, second.equity, rtol=1e-9)
    np.testing.assert_allclose(first.curves.cash, second.curves.cash, rtol=1e-9, atol=1e-6)


LOTS = st.sampled_from([Decimal(1), Decimal("0.001"), Decimal("0.000001")])
COSTS = st.sampled_from([(None, None), (0.0, 0.0), (0.002, 0.001)])
QUIET = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUIET
@given(markets(1), LOTS, COSTS, st.sampled_from(["on_change", "always"]))
def test_engines_agree_on_one_instrument(tables, lot, costs, rebalance):
    assert_same(*run_both(Cross(rebalance=rebalance), tables, lot, *costs))


@QUIET
@given(markets(3), LOTS, COSTS, st.sampled_from(["on_change", "always"]))
def test_engines_agree_on_several_instruments_with_gaps(tables, lot, costs, rebalance):
    assert_same(*run_both(Cross(rebalance=rebalance), tables, lot, *costs))


@QUIET
@given(markets(3), LOTS, COSTS)
def test_engines_agree_on_a_rotation(tables, lot, costs):
    assert_same(*run_both(Rotation(), tables, lot, *costs))


@pytest.mark.parametrize("seed", range(3))
def test_engines_agree_on_a_long_random_walk(seed):
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 600)))
    first, second = run_both(Cross(fast=10, slow=30), {"AAPL": testing.frame(closes)}, Decimal(1), None, None)
    assert len(first.order_lines) > 10
    assert_same(first, second)


@QUIET
@given(markets(2), st.integers(1, 8), st.sampled_from(["on_change", "always"]))
def test_engines_agree_after_a_warm_up(tables, first, rebalance):
    listed = tuple(testing.instrument(name, lot_step=Decimal(1)) for name in tables)
    data = Candles(listed, "1d", combine(tables), first)
    strategy = Cross(rebalance=rebalance)
    both = (backtest_candles(strategy, data), backtest_candles(strategy, data, engine="replay"))
    assert_same(*both)
    begin = data.open_times[first] + data.length
    assert all(order.decided_at >= begin for order in both[0].order_lines)
    assert len(both[0].equity) == len(data.frame) - first
