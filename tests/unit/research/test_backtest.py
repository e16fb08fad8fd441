from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from millstream.contracts.enums import Side
from millstream.contracts.errors import InputError
from millstream.contracts.time import SECOND
from millstream.research.backtest import backtest_candles, engine_of
from millstream.research.candles import Candles
from millstream.research.costs import costs_of
from millstream.research.equity import curves
from millstream.research.plots import indicators_of
from millstream.sdk import Strategy, testing
from millstream.sdk.bars import combine

D = Decimal
DAY = 86_400 * SECOND
SHARE = testing.instrument(lot_step=D(1), fee_rate=D("0.001"))


class Script(Strategy):
    """Targets given bar by bar."""

    targets: list[float]

    def target(self, bars):
        padded = self.targets[: len(bars)] + [self.targets[-1]] * (len(bars) - len(self.targets))
        return pd.Series(padded, bars.index)


class Cross(Strategy):
    fast: int = 3
    slow: int = 8
    short: bool = False

    def target(self, bars):
        gap = bars.close.rolling(self.fast).mean() - bars.close.rolling(self.slow).mean()
        long = (gap > 1e-9 * bars.close).astype(float)
        return long - (gap < -1e-9 * bars.close).astype(float) if self.short else long


def candles_of(opens, closes):
    table = testing.frame(closes)
    table["open"] = np.asarray(opens, dtype=float)
    table["high"] = table[["open", "close"]].max(axis=1)
    table["low"] = table[["open", "close"]].min(axis=1)
    return Candles((SHARE,), "1d", combine({"AAPL": table}))


def walk(seed, rows=250, scale=0.02):
    return testing.frame(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, scale, rows))))


def test_order_is_decided_at_the_close_and_executed_at_the_next_open():
    data = candles_of([10, 12, 14, 16], [11, 13, 15, 17])
    result = backtest_candles(Script(targets=[0.0, 1.0, 1.0, 0.0]), data, capital=1300, costs=costs_of(0.0, 0.0))
    buy, sell = result.order_lines
    first = data.open_times[0]
    assert (buy.decided_at, buy.executed_at) == (first + 2 * DAY, first + 2 * DAY)
    assert (buy.side, buy.quantity, buy.price) == (Side.BUY, D(100), D("14.0"))
    assert (sell.decided_at, sell.executed_at, sell.price, sell.status) == (first + 4 * DAY, None, None, "open")
    assert result.equity.tolist() == [1300, 1300, 1400, 1600]


def test_gap_that_exceeds_the_cash_is_paid_on_margin():
    data = candles_of([10, 20, 20], [10, 20, 20])
    result = backtest_candles(Script(targets=[1.0]), data, capital=1000, costs=costs_of(0.0, 0.0))
    assert result.order_lines[0].quantity == result.order_lines[0].filled == D(100)
    assert result.curves.cash.tolist() == [1000, -1000, -1000]
    assert result.equity.tolist() == [1000, 1000, 1000]


def test_fees_and_slippage_are_paid():
    data = candles_of([10, 10, 10], [10, 10, 10])
    result = backtest_candles(Script(targets=[1.0, 0.0]), data, capital=1000, costs=costs_of(None, 0.01))
    buy, sell = result.order_lines
    assert (buy.price, buy.fee) == (D("10.1"), D("1.01"))
    assert (sell.price, sell.fee) == (D("9.9"), D("0.99"))
    assert result.statistics.fees == pytest.approx(2.0)
    assert result.equity.iloc[-1] == pytest.approx(1000 - 100 * 0.2 - 2.0)


@pytest.mark.parametrize("rebalance", ["on_change", "always"])
@pytest.mark.parametrize("short", [False, True])
def test_vectorbt_records_equal_the_orders(rebalance, short):
    data = Candles((SHARE,), "1d", combine({"AAPL": walk(3)}))
    result = backtest_candles(Cross(rebalance=rebalance, short=short), data, costs=costs_of(0.002, 0.001))
    done = [order for order in result.order_lines if order.price is not None]
    records = result.portfolio.orders.records
    assert len(done) == len(records) > 10
    for order, record in zip(done, records.itertuples(), strict=True):
        assert data.open_times[record.idx] == order.executed_at
        assert record.side == (0 if order.side is Side.BUY else 1)
        assert record.size == pytest.approx(float(order.quantity), rel=1e-12)
        assert record.price == pytest.approx(float(order.price), rel=1e-12)
        assert record.fees == pytest.approx(float(order.fee), rel=1e-9)


def test_curves_from_executions_equal_vectorbt():
    data = Candles((SHARE,), "1d", combine({"AAPL": walk(4)}))
    result = backtest_candles(Cross(short=True), data, costs=costs_of(0.002, 0.001))
    own = curves(result.executions, data, 100_000)
    np.testing.assert_allclose(result.equity, own.equity, rtol=1e-12)
    np.testing.assert_allclose(result.curves.cash, own.cash, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(result.curves.positions, own.positions, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_orders_equal_plain_target_percent_where_cash_does_not_bind(seed):
    import vectorbt

    share = testing.instrument(lot_step=D("0.000000001"))
    table = walk(seed)
    data = Candles((share,), "1d", combine({"AAPL": table}))

    class Half(Cross):
        def target(self, bars):
            return super().target(bars) / 2

    strategy = Half()
    result = backtest_candles(strategy, data, costs=costs_of(0.0005, 0.0))
    target = strategy.target(data.frame).fillna(0.0)
    changed = target != target.shift(fill_value=0.0)
    plain = vectorbt.Portfolio.from_orders(
        close=table.close,
        size=target.where(changed).shift(),
        size_type="targetpercent",
        price=table.open,
        val_price=table.close.shift(),
        fees=0.0005,
        init_cash=100_000,
    )
    records = plain.orders.records
    done = [order for order in result.order_lines if order.price is not None]
    assert [(order.executed_at, order.side is Side.BUY) for order in done] == [
        (data.open_times[record.idx], record.side == 0) for record in records.itertuples()
    ]
    np.testing.assert_allclose([float(order.quantity) for order in done], records["size"], rtol=1e-7)
    np.testing.assert_allclose(result.equity, plain.value(), rtol=1e-9)


def test_short_credit_never_reaches_the_statistics():
    data = candles_of([10, 10, 10, 10], [10, 10, 10, 10])
    result = backtest_candles(Script(targets=[-1.0]), data, capital=1000, costs=costs_of(0.0, 0.0))
    assert result.statistics.total_return == 0
    assert result.curves.exposure.iloc[-1] == pytest.approx(1.0)


def test_protected_and_event_driven_strategies_are_replayed():
    class Events(Strategy):
        def on_bar(self, context, bar):
            pass

    assert engine_of(Cross()) == "vectorbt"
    assert engine_of(Cross(stop_loss=0.1)) == engine_of(Cross(take_profit=0.1)) == engine_of(Events()) == "replay"


def test_protective_orders_are_executed_within_the_bar():
    data = candles_of([100, 100, 100, 95, 80], [100, 100, 100, 80, 80])
    result = backtest_candles(Script(targets=[1.0], stop_loss=0.1), data, capital=10_000, costs=costs_of(0.0, 0.0))
    entry, stop = result.order_lines
    assert (stop.leg, stop.side, stop.price, stop.quantity) == ("stop_loss", Side.SELL, D("90.00"), entry.quantity)
    assert result.equity.iloc[-1] == pytest.approx(9000)
    assert result.equity.iloc[3] == pytest.approx(9000)


def test_rejected_intents_are_listed():
    from millstream.research.replay import run_replay
    from millstream.risk.limits import RiskLimits

    data = candles_of([100, 100, 100], [100, 100, 100])
    outcome = run_replay(Script(targets=[1.0]), data, costs_of(None, None), D(10_000), RiskLimits())
    assert [rejection.code for rejection in outcome.rejections] == ["MISSING_LIMIT"]
    assert outcome.orders == []


@pytest.mark.parametrize("arguments", [{"fees": -0.1}, {"fees": 1.0}, {"slippage": 2}])
def test_costs_that_are_no_fractions_are_refused(arguments):
    with pytest.raises(InputError, match="not a fraction"):
        costs_of(**{"fees": None, "slippage": None} | arguments)


def test_capital_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="capital=0"):
        backtest_candles(Cross(), candles_of([1], [1]), capital=0)


def test_no_candles_is_an_error_that_says_what_to_check():
    with pytest.raises(InputError, match="no 1d candles"):
        Candles((SHARE,), "1d", testing.frame([1.0]).iloc[:0])


def test_result_shows_itself_and_gives_plain_values():
    import json

    data = Candles((SHARE,), "1d", combine({"AAPL": walk(5)}))
    result = backtest_candles(Cross(), data)
    html = result._repr_html_()
    assert "Total return" in html
    assert "<svg" in html
    values = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert len(values["orders"]) == len(result.order_lines) == values["statistics"]["orders"]
    assert set(values["orders"][0]) >= {
        "decision_time",
        "execution_time",
        "instrument",
        "side",
        "quantity",
        "price",
        "fee",
    }
    assert "Backtest of Cross" in repr(result)
    assert len(result.plot()) == 3


def test_warm_up_is_seen_but_nothing_is_decided_on_it():
    table = testing.frame([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20.0])
    data = Candles((SHARE,), "1d", combine({"AAPL": table}), first=8)
    result = backtest_candles(Cross(), data)
    (order,) = result.order_lines
    assert order.decided_at == data.open_times[8] + DAY
    assert len(result.equity) == 3
    assert backtest_candles(Cross(), data.traded).order_lines == []


class Showing(Strategy):
    """Shows what it compares, and something off the price scale."""

    fast: int = 3

    def target(self, bars):
        average = bars.close.rolling(self.fast).mean()
        self.show(average=average, up=(bars.close > average).astype(int), newest=7.0)
        return (bars.close > average).astype(float)


class Telling(Strategy):
    """Shows the close of the bars of one instrument."""

    def on_bar(self, context, bar):
        if bar.symbol == "IBM":
            self.show(seen=bar.close)


def two_instruments():
    """AAPL every day, IBM from the fourth on; two bars of warm-up."""
    tables = {"AAPL": testing.frame(range(100, 112)), "IBM": testing.frame(range(50, 62)).iloc[3:]}
    instruments = (SHARE, testing.instrument("IBM", lot_step=D(1), fee_rate=D("0.001")))
    return Candles(instruments, "1d", combine(tables), first=2)


@pytest.mark.parametrize("engine", ["vectorbt", "replay"])
def test_indicators_are_what_the_strategy_showed_at_each_bar(engine):
    data = two_instruments()
    result = backtest_candles(Showing(), data, engine=engine)
    average = result.indicators["average"]
    assert average.index.equals(data.frame.index[2:])
    assert str(average.index.tz) == "UTC"
    assert list(average.columns) == ["AAPL", "IBM"]
    # The mean of three closes that rise by one is the middle one; the warm-up counts.
    assert average["AAPL"].tolist() == [float(close) for close in range(101, 111)]
    # IBM begins on the fourth day, which is the second that is traded.
    assert average["IBM"].isna().tolist() == [True, True, True, *[False] * 7]
    assert average["IBM"].iloc[3:].tolist() == [float(close) for close in range(54, 61)]
    assert result.indicators["newest"].iloc[-1].tolist() == [7.0, 7.0]


def test_both_engines_tell_the_same_indicators():
    data = Candles((SHARE,), "1d", combine({"AAPL": walk(3, rows=60)}), first=5)
    found = [backtest_candles(Showing(), data, engine=engine).indicators for engine in ("vectorbt", "replay")]
    for name in ("average", "up"):
        pd.testing.assert_frame_equal(found[0][name], found[1][name])


def test_strategy_that_is_told_bar_by_bar_has_indicators_of_its_instrument():
    result = backtest_candles(Telling(), two_instruments())
    (seen,) = result.indicators.values()
    assert seen["AAPL"].isna().all()
    assert seen["IBM"].dropna().tolist() == [float(close) for close in range(53, 62)]


def test_strategy_that_shows_nothing_has_no_indicators():
    assert backtest_candles(Cross(), Candles((SHARE,), "1d", combine({"AAPL": walk(1, rows=30)}))).indicators == {}


def test_plot_draws_indicators_on_the_scale_of_the_prices_over_them_and_the_rest_below():
    data = Candles((SHARE,), "1d", combine({"AAPL": walk(2, rows=40)}))
    result = backtest_candles(Showing(), data)
    near, far = indicators_of(result, "AAPL")
    assert (list(near.columns), list(far.columns)) == (["average"], ["up", "newest"])
    assert len(result.plot()) == 4
    assert len(backtest_candles(Cross(), data).plot()) == 3


def test_plots_of_one_result_share_the_time_axis_and_no_other():
    import holoviews as hv

    result = backtest_candles(Showing(), Candles((SHARE,), "1d", combine({"AAPL": walk(2, rows=40)})))
    drawn = [plot.handles for row in hv.renderer("bokeh").get_plot(result.plot()).subplots.values()
             for plot in row.subplots.values()]  # fmt: skip
    assert len(drawn) == 4
    assert len({id(one["x_range"]) for one in drawn}) == 1
    assert len({id(one["y_range"]) for one in drawn}) == 4
    assert drawn[2]["y_range"].end < 1.5 * result.candles.last_close.max()
