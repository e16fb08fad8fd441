"""Research on a new installation: candles, backtests, sweeps, preflight and the promotion's report."""

import json

import pandas as pd
import pytest

from millstream.contracts.errors import InputError, NotFoundError
from millstream.research import backtest, instruments, load, preflight, stored, sweep
from millstream.research.promotion_run import REPORT_MIME, BacktestRuntime
from millstream.sdk import Strategy, run
from millstream.sdk.runtime import use_runtime

pytestmark = pytest.mark.usefixtures("installation")


class Momentum(Strategy):
    lookback: int = 60
    lag: int = 1

    def validate(self):
        if self.lag >= self.lookback:
            raise ValueError("lag must be less than lookback")

    def target(self, bars):
        close = bars.close.ffill()
        rising = (close.shift(self.lag) > close.shift(self.lookback)).astype(float)
        return rising / (rising.shape[1] if rising.ndim > 1 else 1)


def test_new_installation_has_the_sample_candles():
    assert {instrument.key for instrument in instruments()} >= {"SAMPLE:AAPL", "SAMPLE:FB"}
    assert {(series.instrument, series.timeframe) for series in stored()} >= {("SAMPLE:AAPL", "1d")}


def test_one_symbol_gives_plain_columns_and_utc_open_times():
    bars = load("AAPL", "1d", start="2010-01-01", end="2011-01-01")
    assert list(bars.columns) == ["open", "high", "low", "close", "volume"]
    assert str(bars.index.dtype) == "datetime64[ns, UTC]"
    assert (bars.index[0], bars.index[-1]) == (
        pd.Timestamp("2010-01-04", tz="UTC"),
        pd.Timestamp("2010-12-31", tz="UTC"),
    )


def test_several_symbols_share_one_index_with_gaps():
    bars = load(["AAPL", "SAMPLE:FB"], "1d")
    assert list(bars.close.columns) == ["AAPL", "FB"]
    assert bars.close["FB"].first_valid_index() == pd.Timestamp("2012-05-18", tz="UTC")
    assert bars.close["AAPL"].notna().all()


def test_unknown_symbol_is_answered_with_the_near_match():
    with pytest.raises(NotFoundError) as error:
        load("APPL", "1d")
    assert "AAPL" in error.value.hint


def test_timeframe_that_is_not_stored_is_named():
    with pytest.raises(NotFoundError, match="5m"):
        load("AAPL", "5m")


@pytest.mark.parametrize("moment", ["yesterday evening", object()])
def test_unusable_time_is_refused(moment):
    with pytest.raises(InputError, match="start="):
        load("AAPL", "1d", start=moment)


def test_backtest_of_stored_candles_pays_the_instruments_fees():
    result = backtest(Momentum(), ["AAPL", "IBM", "FB"], "1d", start="2008-01-01")
    assert result.engine == "vectorbt"
    assert {order.instrument for order in result.order_lines} == {"SAMPLE:AAPL", "SAMPLE:IBM", "SAMPLE:FB"}
    done = [order for order in result.order_lines if order.price is not None]
    assert all(float(order.fee) == pytest.approx(float(order.quantity * order.price) * 0.0005) for order in done)


def test_candles_before_the_start_warm_the_strategy_up():
    result = backtest(Momentum(), "AAPL", "1d", start="2009-06-01", end="2010-01-01")
    whole = backtest(Momentum(), "AAPL", "1d", end="2010-01-01")
    assert result.equity.index[0] == pd.Timestamp("2009-06-01", tz="UTC")
    decided = {order.decided_at for order in result.order_lines[1:]}
    assert decided <= {order.decided_at for order in whole.order_lines}


def test_sweep_backtests_every_combination_and_names_the_skipped():
    swept = sweep(Momentum(), "AAPL", "1d", {"lookback": [20, 60], "lag": [1, 30]}, start="2009-01-01")
    assert [(row.lookback, row.lag) for row in swept.table.itertuples()] == [(20, 1), (60, 1), (60, 30)]
    assert swept.skipped == ({"lookback": 20, "lag": 30},)
    single = backtest(Momentum(lookback=60, lag=30), "AAPL", "1d", start="2009-01-01").statistics
    assert swept.table["total_return"].iloc[2] == single.total_return
    assert list(swept.best("sharpe", 1).columns[:3]) == ["lookback", "lag", "sharpe"]
    assert "backtests" in swept._repr_html_()
    assert swept.plot("sharpe") is not None


def test_sweep_in_processes_gives_the_same_table():
    grid = {"lookback": [20, 40, 60]}
    first = sweep(Momentum(), "AAPL", "1d", grid, start="2011-01-01")
    second = sweep(Momentum(), "AAPL", "1d", grid, start="2011-01-01", processes=2)
    pd.testing.assert_frame_equal(first.table, second.table)


@pytest.mark.parametrize("grid", [{}, {"lookback": []}, {"lokback": [1]}, {"lookback": ["a"]}])
def test_unusable_grid_is_refused(grid):
    with pytest.raises(InputError):
        sweep(Momentum(), "AAPL", "1d", grid)


def test_preflight_reports_what_a_run_would_do():
    report = preflight(Momentum(), ["AAPL", "FB"], "1d")
    assert report.ready
    assert report.instruments["instrument"].tolist() == ["SAMPLE:AAPL", "SAMPLE:FB"]
    assert report.decisions.shape == (5, 2)
    assert report.limits["Warm-up"] == "70 bars"
    assert "Ready to promote" in report._repr_html_()
    json.dumps(report.to_dict())


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((Momentum(), "APPL", "1d"), "APPL"),
        ((Momentum(lookback=400), "FB", "1d"), "fewer than the 410 bars"),
    ],
)
def test_preflight_tells_what_stands_in_the_way(arguments, problem):
    report = preflight(*arguments)
    assert not report.ready
    assert problem in report.problems[0]
    assert problem in repr(report)
    assert "Not ready" in report._repr_html_()


async def test_run_outside_a_runner_gives_the_preflight_report():
    report = await run(Momentum(), "AAPL", "1d")
    assert report.ready


async def test_run_under_promotion_gives_the_report_as_json():
    with use_runtime(BacktestRuntime()):
        shown = await run(Momentum(), "AAPL", "1d")
    bundle = shown._repr_mimebundle_(include=None, exclude=None)
    report = json.loads(json.dumps(bundle[REPORT_MIME], allow_nan=False))
    assert report["parameters"]["lookback"] == 60
    assert report["statistics"]["orders"] == len(report["orders"])
