import numpy as np
import pandas as pd
import pytest

from millstream.contracts.errors import InputError
from millstream.sdk import testing
from millstream.sdk.bars import BarFrame, combine
from millstream.sdk.symbols import as_symbols, labels


def feed(frame, candles, key):
    for bar in testing.bars(candles, key):
        frame.append(bar.open_time, [bar])


def test_frame_of_one_instrument_equals_the_candles():
    candles = testing.frame(np.linspace(10, 20, 30))
    frame = BarFrame(["T:A"], ["A"], limit=1000)
    feed(frame, candles, "T:A")
    pd.testing.assert_frame_equal(frame.frame(), candles, check_freq=False)


def test_frame_of_several_instruments_equals_the_combined_candles():
    first = testing.frame([1, 2, 3, 4])
    second = testing.frame([5, 6], start="2024-01-03")
    frame = BarFrame(["T:A", "T:B"], ["A", "B"], limit=1000)
    events = testing.bars(first, "T:A") + testing.bars(second, "T:B")
    for opened in sorted({bar.open_time for bar in events}):
        frame.append(opened, [bar for bar in events if bar.open_time == opened])
    expected = combine({"A": first, "B": second})
    pd.testing.assert_frame_equal(frame.frame(), expected, check_freq=False)
    assert list(frame.frame().close.columns) == ["A", "B"]
    assert frame.frame().close["B"].isna().tolist() == [True, True, False, False]


def test_frame_taken_earlier_keeps_its_values_while_bars_arrive():
    frame = BarFrame(["T:A"], ["A"], limit=2000)
    candles = testing.frame(np.arange(1, 3001, dtype=float))
    events = testing.bars(candles, "T:A")
    for bar in events[:1500]:
        frame.append(bar.open_time, [bar])
    early = frame.frame()
    copy = early.copy()
    for bar in events[1500:]:
        frame.append(bar.open_time, [bar])
    pd.testing.assert_frame_equal(early, copy)


def test_only_the_newest_rows_are_shown_beyond_the_limit():
    frame = BarFrame(["T:A"], ["A"], limit=700)
    candles = testing.frame(np.arange(1, 5001, dtype=float))
    feed(frame, candles, "T:A")
    assert (len(frame), frame.rows, frame.offset) == (700, 5000, 4300)
    pd.testing.assert_frame_equal(frame.frame(), candles.iloc[-700:], check_freq=False)


def test_row_that_is_not_the_newest_is_refused():
    frame = BarFrame(["T:A"], ["A"], limit=10)
    bar = testing.bars(testing.frame([1.0]), "T:A")[0]
    frame.append(bar.open_time, [bar])
    with pytest.raises(ValueError, match="not newer"):
        frame.append(bar.open_time, [bar])


def test_frame_cannot_be_written_to():
    frame = BarFrame(["T:A"], ["A"], limit=10)
    feed(frame, testing.frame([1.0, 2.0]), "T:A")
    with pytest.raises(ValueError, match="read-only"):
        frame.frame()["close"].to_numpy()[0] = 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="open"), "no column 'open'"),
        (lambda frame: frame.tz_localize(None), "no index of times with a time zone"),
        (lambda frame: frame.iloc[::-1], "not in order"),
    ],
)
def test_unusable_candles_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        combine({"A": change(testing.frame([1.0, 2.0]))})


def test_label_is_the_symbol_unless_two_exchanges_share_it():
    assert labels(["SAMPLE:AAPL", "SAMPLE:IBM"]) == ("AAPL", "IBM")
    assert labels(["X:BTC/USD", "Y:BTC/USD", "Y:ETH"]) == ("X:BTC/USD", "Y:BTC/USD", "ETH")


def test_symbols_are_one_or_a_list():
    assert as_symbols("AAPL") == ("AAPL",)
    assert as_symbols(["AAPL", "IBM"]) == ("AAPL", "IBM")


@pytest.mark.parametrize("given", ["", [], [1], ["A", "A"], [" "]])
def test_unusable_symbols_are_refused(given):
    with pytest.raises(InputError):
        as_symbols(given)
