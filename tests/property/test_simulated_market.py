import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.contracts.clock import ManualClock
from millstream.market.feeds.simulated import SimulatedFeed, SimulationOptions
from millstream.market.feeds.simulated_path import COINS, DAY, day
from millstream.market.import_checks import check

seeds = st.integers(min_value=0, max_value=2**32)
days = st.integers(min_value=15_000, max_value=30_000)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, number=days, coin=st.sampled_from(COINS))
def test_every_day_is_a_valid_market(seed: int, number: int, coin):
    frame = day(seed, coin, number).candles(number * DAY, coin.decimals)
    checked = check(frame.index.asi8, frame.reset_index(drop=True), "1m")
    assert not checked.bad_rows
    assert not checked.duplicates
    prices = frame[["open", "high", "low", "close"]].to_numpy()
    assert np.array_equal(np.round(prices, coin.decimals), prices)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, number=days, coin=st.sampled_from(COINS))
def test_same_seed_and_day_give_the_same_market_and_another_seed_another(seed: int, number: int, coin):
    first = day.__wrapped__(seed, coin, number)
    again = day.__wrapped__(seed, coin, number)
    assert np.array_equal(first.prices, again.prices)
    assert np.array_equal(first.volumes, again.volumes)
    assert not np.array_equal(first.prices, day.__wrapped__(seed + 1, coin, number).prices)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, number=days)
def test_price_does_not_leap_at_midnight(seed: int, number: int):
    for coin in COINS:
        before, after = day(seed, coin, number).prices[-1], day(seed, coin, number + 1).prices[0]
        assert abs(after / before - 1) < coin.volatility


@settings(max_examples=5, deadline=None)
@given(seed=seeds, end=st.integers(min_value=15_000 * 1440, max_value=30_000 * 1440))
def test_history_depends_on_seed_and_end_only(seed: int, end: int):
    options = SimulationOptions(seed=seed)
    first, again = (SimulatedFeed(ManualClock(), options).history(0.1, end * 60 * 10**9) for _ in range(2))
    assert all(first[key].equals(again[key]) for key in first)
