import io

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.market.candles import COLUMNS
from millstream.market.copy_format import from_copy, open_times, to_copy, utc_index
from millstream.market.import_checks import check
from millstream.market.import_timestamps import parse_timestamps

STEP = 300 * 10**9
prices = st.floats(min_value=1e-8, max_value=1e8)


@st.composite
def frames(draw) -> pd.DataFrame:
    minutes = draw(st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=25, unique=True))
    rows = []
    for _ in minutes:
        low, first, last, high = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
        rows.append((first, high, low, last, draw(st.floats(min_value=0, max_value=1e12))))
    times = np.array(sorted(minutes), dtype=np.int64) * STEP + 1_500_000_000 * 10**9 // STEP * STEP
    return pd.DataFrame(rows, columns=list(COLUMNS), index=utc_index(times))


@settings(deadline=None)
@given(frame=frames())
def test_copy_format_returns_the_frame_exactly(frame: pd.DataFrame):
    pd.testing.assert_frame_equal(from_copy(to_copy(frame, COLUMNS), COLUMNS), frame, check_exact=True)


@settings(deadline=None, max_examples=50)
@given(frame=frames(), unit=st.sampled_from(["s", "ms", "us", "ns", "iso"]))
def test_csv_returns_the_frame_exactly(frame: pd.DataFrame, unit: str):
    table = frame.reset_index(names="timestamp")
    if unit != "iso":
        table["timestamp"] = open_times(frame) // {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]
    read = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    checked = check(parse_timestamps(read["timestamp"]).ns, read[list(COLUMNS)].astype("float64"), "5m")
    assert not checked.bad_rows
    pd.testing.assert_frame_equal(checked.frame, frame, check_exact=True, check_freq=False)


@settings(deadline=None, max_examples=50)
@given(frame=frames(), data=st.data())
def test_bad_rows_never_cost_a_good_one(frame: pd.DataFrame, data):
    table = frame.reset_index(drop=True)
    times = open_times(frame).copy()
    victims = data.draw(st.sets(st.integers(min_value=0, max_value=len(frame) - 1), max_size=len(frame) // 3))
    for row in victims:
        table.loc[row, data.draw(st.sampled_from(COLUMNS))] = data.draw(
            st.sampled_from([float("nan"), float("inf"), -1.0])
        )
    checked = check(times, table, "5m")
    assert {row.row - 1 for row in checked.bad_rows} == victims
    kept = frame.drop(index=frame.index[sorted(victims)])
    pd.testing.assert_frame_equal(checked.frame, kept, check_exact=True, check_freq=False)
