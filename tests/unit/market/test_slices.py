import numpy as np
import pandas as pd

from millstream.contracts.clock import ManualClock
from millstream.contracts.events import Bar, Watermark
from millstream.market.candles import COLUMNS
from millstream.market.copy_format import utc_index
from millstream.market.feeds.slices import Stamp, Tape

HOUR = 3600 * 10**9
STAMP = Stamp("replay-1", "1h", ManualClock(5))


def frame(*hours: int) -> pd.DataFrame:
    index = utc_index(np.array(hours, dtype=np.int64) * HOUR)
    return pd.DataFrame({name: [hour + 0.1 for hour in hours] for name in COLUMNS}, index=index)


def tape() -> Tape:
    return Tape({"X:B": frame(1, 4), "X:A": frame(0, 1, 2)}, "1h")


def test_slices_are_the_closes_of_all_instruments_together():
    assert [int(close) // HOUR for close in tape().closes] == [1, 2, 3, 5]


def test_all_bars_open_before_any_of_them_closes():
    events = tape().bars(1, STAMP)
    assert [(type(event).__name__, event.instrument, event.ts // HOUR) for event in events] == [
        ("BarOpened", "X:A", 1),
        ("BarOpened", "X:B", 1),
        ("Bar", "X:A", 2),
        ("Bar", "X:B", 2),
    ]


def test_instrument_without_a_bar_has_a_watermark_alone():
    last = tape()
    assert {event.instrument for event in last.bars(3, STAMP)} == {"X:B"}
    marks = last.watermarks(3, STAMP, {"p": 4})
    assert [(event.instrument, event.ts // HOUR) for event in marks] == [("X:A", 5), ("X:B", 5)]
    assert all(isinstance(event, Watermark) and event.after == {"p": 4} for event in marks)


def test_sequences_grow_and_belong_to_the_slice_not_to_the_run():
    played, whole = tape(), []
    for index in range(len(played)):
        whole += played.bars(index, STAMP) + played.watermarks(index, STAMP, {})
    whole += played.end(STAMP)
    for key in ("X:A", "X:B"):
        sequences = [event.sequence for event in whole if event.instrument == key]
        assert sequences == sorted(set(sequences))
        assert sequences[0] >= 1
    again = tape().bars(2, STAMP)
    assert [event for event in whole if event in again] == again


def test_bar_carries_the_stored_values():
    bar = next(event for event in tape().bars(0, STAMP) if isinstance(event, Bar))
    assert (str(bar.open), str(bar.volume), bar.open_time, bar.occurred_at) == ("0.1", "0.1", 0, 5)


def test_position_names_the_slice_to_go_on_with():
    assert tape().first_slice(0) == 0
    assert list(tape().indexes(3 * HOUR)) == [2, 3]
    assert list(tape().indexes(9 * HOUR)) == []
