from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from millstream.market.candles import COLUMNS
from millstream.market.import_checks import check, price_tick

DAY = 86_400 * 10**9
HOUR = 3600 * 10**9


def rows(count: int, value: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame(value, index=range(count), columns=list(COLUMNS))


def test_daily_candles_of_another_zone_have_their_own_grid_and_say_so():
    checked = check(np.arange(20, dtype=np.int64) * DAY + 5 * HOUR, rows(20), "1d")
    assert not checked.bad_rows
    assert checked.notes == ("candles open 5 h after the UTC grid of the timeframe",)


def test_rows_out_of_order_are_sorted_and_said():
    checked = check(np.array([2, 0, 1], dtype=np.int64) * DAY, rows(3), "1d")
    assert checked.frame.index.is_monotonic_increasing
    assert "sorted" in checked.notes[0]


def test_longer_timeframe_in_the_file_is_noticed():
    checked = check(np.arange(5, dtype=np.int64) * 2 * DAY, rows(5), "1d")
    assert any("longer" in note for note in checked.notes)
    assert [gap.missing for gap in checked.gaps] == [1, 1, 1, 1]


def test_no_rows_are_no_error():
    checked = check(np.empty(0, dtype=np.int64), rows(0), "1d")
    assert checked.frame.empty
    assert not checked.bad_rows


@pytest.mark.parametrize(
    ("prices", "tick"),
    [([1.0, 250.0], "1"), ([1.5, 2.25], "0.01"), ([0.00001234], "1E-8"), ([1 / 3], "1E-10"), ([46319.0, 0.1], "0.1")],
)
def test_price_tick_is_the_finest_decimal_of_the_data(prices: list[float], tick: str):
    frame = pd.DataFrame(dict.fromkeys(COLUMNS, prices))
    assert price_tick(frame) == Decimal(tick)
