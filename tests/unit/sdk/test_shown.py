"""What a strategy shows of its decisions."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import InputError
from millstream.contracts.time import SECOND
from millstream.sdk import Strategy, testing
from millstream.sdk.host import HostConfig, Past, StrategyHost
from millstream.sdk.portfolio import PortfolioView

DAY = 86_400 * SECOND
AAPL, IBM = testing.instrument(), testing.instrument("IBM")


class Averages(Strategy):
    """Shows what it compares."""

    slow: int = 3
    shows: bool = True

    def target(self, bars):
        fast, slow = bars.close, bars.close.rolling(self.slow).mean()
        if self.shows:
            self.show(fast=fast, slow=slow, level=1.5, breadth=pd.Series(range(len(bars)), bars.index))
        return (fast > slow).astype(float)


class Levels(Strategy):
    """Shows a number of each bar it is told."""

    def on_bar(self, context, bar):
        self.show(close=bar.close)
        if bar.symbol == "IBM":
            self.show(exact=Decimal("0.5"), count=np.int64(3), missing=None, broken=float("nan"))


def host_of(strategy, *instruments):
    config = HostConfig(
        deployment_id="d", portfolio_id="p", epoch=1, instruments=instruments or (AAPL,), timeframe="1d", session="s"
    )
    return StrategyHost(strategy, config, ManualClock())


def shown_by(host, events):
    """What is shown at each slice of ``events``, and what was decided."""
    portfolio, found, made = PortfolioView("p", "USD", Decimal(100_000)), [], []
    for ts in sorted({bar.ts for bar in events}):
        for bar in events:
            if bar.ts == ts:
                host.on_bar(bar)
        made += host.decide(ts, portfolio)
        found.append(host.shown())
    return found, made


def test_newest_row_of_each_series_is_shown_and_what_is_no_number_yet_is_left_out():
    host = host_of(Averages())
    found, _ = shown_by(host, testing.bars(testing.frame([10, 20, 30, 20]), AAPL.key))

    assert found[0] == {AAPL.key: {"fast": 10.0, "level": 1.5, "breadth": 0.0}}
    assert found[3] == {AAPL.key: {"fast": 20.0, "slow": pytest.approx(70 / 3), "level": 1.5, "breadth": 3.0}}


def test_each_instrument_has_its_own_column_and_only_those_with_a_bar_are_shown():
    host = host_of(Averages(), AAPL, IBM)
    first = testing.bars(testing.frame([10, 20, 30]), AAPL.key)
    second = testing.bars(testing.frame([5, 6]), IBM.key)
    found, _ = shown_by(host, [*first, *second])

    assert {key: values["fast"] for key, values in found[1].items()} == {AAPL.key: 20.0, IBM.key: 6.0}
    assert list(found[2]) == [AAPL.key]


def test_number_shown_in_on_bar_is_that_of_the_bars_instrument():
    host = host_of(Levels(), AAPL, IBM)
    events = [*testing.bars(testing.frame([10]), AAPL.key), *testing.bars(testing.frame([5]), IBM.key)]
    (found,), _ = shown_by(host, events)

    assert found == {AAPL.key: {"close": 10.0}, IBM.key: {"close": 5.0, "exact": 0.5, "count": 3.0}}


def test_showing_changes_no_decision():
    events = testing.bars(testing.frame([10, 20, 30, 20, 10, 30, 40]), AAPL.key)
    _, with_it = shown_by(host_of(Averages()), events)
    _, without = shown_by(host_of(Averages(shows=False)), events)

    assert with_it == without
    assert len(with_it) > 1


def test_nothing_is_kept_where_nobody_watches_or_nothing_is_shown():
    strategy = Averages()
    frame = testing.frame([10, 20, 30])
    assert list(strategy.target(frame)) == [0.0, 0.0, 1.0]
    found, _ = shown_by(host_of(Averages(shows=False)), testing.bars(frame, AAPL.key))
    assert found == [{}, {}, {}]


def test_values_of_a_slice_are_those_of_its_own_decision():
    host = host_of(Averages(), AAPL, IBM)
    events = testing.bars(testing.frame([10, 20]), AAPL.key)
    shown_by(host, events)
    host.decide(events[-1].ts + DAY, PortfolioView("p", "USD", Decimal(1)))

    assert host.shown() == {}


def test_restarted_host_shows_only_what_it_decides_itself():
    events = testing.bars(testing.frame([10, 20, 30, 40]), AAPL.key)
    initial = PortfolioView("p", "USD", Decimal(100_000))
    host = host_of(Levels())
    host.recover(
        Past(bars=events[:3], started_ts=events[0].ts, checkpoint_ts=events[2].ts, initial=initial, orders=(), fills=())
    )
    host.on_bar(events[3])
    host.decide(events[3].ts, initial)

    assert host.shown() == {AAPL.key: {"close": 40.0}}


@pytest.mark.parametrize(
    ("values", "message"),
    [({"fast": "high"}, "fast=…"), ({f"v{number}": 1.0 for number in range(33)}, "33 values")],
)
def test_what_cannot_be_shown_is_an_error_in_a_backtest_too(values, message):
    with pytest.raises(InputError, match=message):
        Averages().show(**values)
