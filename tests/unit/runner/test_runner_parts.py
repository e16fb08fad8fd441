import pytest

from millstream.bus.base import TopicPartition
from millstream.contracts.events import Bar, SessionEnded, Watermark
from millstream.contracts.money import ONE
from millstream.contracts.time import SECOND
from millstream.runner.lease import Checkpoint
from millstream.runner.offsets import OffsetTracker
from millstream.runner.policy import Failures, Policy
from millstream.runner.priming import Priming
from millstream.runner.reasons import of_exit
from millstream.runner.spec import RunnerSpec

DAY = 86_400 * SECOND
A, B = TopicPartition("market.raw.data", 0), TopicPartition("market.raw.data", 1)


def bar(ts, instrument="X:A"):
    return Bar(
        event_id=f"{instrument}{ts}", occurred_at=0, instrument=instrument, ts=ts, timeframe="1d", open_time=ts - 1,
        open=ONE, high=ONE, low=ONE, close=ONE, volume=ONE,
    )  # fmt: skip


def watermark(ts, instrument="X:A"):
    return Watermark(event_id=f"w{instrument}{ts}", occurred_at=0, instrument=instrument, ts=ts, timeframe="1d")


def test_offsets_stay_before_the_first_record_of_an_unfinished_slice():
    tracker = OffsetTracker({A: 3})
    for offset, ts in ((4, 0), (5, 10), (6, 10), (7, 20), (8, 0)):
        tracker.read(A, offset, ts)
    tracker.read(B, 1, 20)

    assert tracker.finished(10) == {A: 6}
    assert tracker.finished(20) == {A: 8, B: 1}


def test_checkpoint_survives_its_stored_form():
    checkpoint = Checkpoint(ts=5, offsets={A: 7, B: 0}, intents=("i",), portfolio_version=3)

    assert Checkpoint.restored(5, checkpoint.stored()) == checkpoint
    assert Checkpoint.restored(0, {}) == Checkpoint()


def test_first_slice_is_the_newest_first_watermark_and_the_store_fills_what_was_missed():
    priming = Priming(["X:A", "X:B"])
    found = [
        priming.add(event) for event in (watermark(10), bar(20), watermark(20), bar(20, "X:B"), watermark(20, "X:B"))
    ]
    stored = [bar(10), bar(10, "X:B"), bar(20), bar(30)]
    warm_up, ready = priming.split(20, stored)

    assert found == [0, 0, 0, 0, 20]
    assert [(one.ts, one.instrument) for one in warm_up] == [(10, "X:A"), (10, "X:B")]
    assert [(type(one), one.instrument) for one in ready] == [
        (Bar, "X:A"), (Bar, "X:B"), (Watermark, "X:A"), (Watermark, "X:B"),
    ]  # fmt: skip


def test_instrument_whose_session_ends_at_once_does_not_hold_up_the_others():
    priming = Priming(["X:A", "X:B"])
    priming.add(SessionEnded(event_id="e", occurred_at=0, instrument="X:B", ts=5))

    assert priming.add(watermark(10)) == 10


def test_failures_pause_longer_each_time_and_are_forgotten_after_the_window():
    failures = Failures(Policy(backoff=1.0, longest_backoff=3.0, max_failures=3, window=100.0))
    pauses = []
    for now in (0.0, 1.0):
        failures.add(now)
        pauses.append(failures.pause)
    assert (pauses, failures.too_many) == ([1.0, 2.0], False)
    failures.add(2.0)
    assert (failures.pause, failures.too_many) == (3.0, True)
    failures.add(200.0)
    assert (failures.pause, failures.too_many) == (1.0, False)


@pytest.mark.parametrize(
    ("clock", "speed", "waits", "expected"),
    [("wall", 1.0, False, 30 * SECOND), ("market", 4.0, False, 122 * DAY), ("market", 0.0, True, 2 * DAY)],
    ids=["live market", "paced replay", "lock-step"],
)
def test_intents_of_a_runner_live_by_the_clock_and_speed_of_its_market(clock, speed, waits, expected):
    spec = RunnerSpec(
        deployment_id="d", epoch=1, portfolio_id="p", session="s", session_clock=clock, session_speed=speed,
        session_waits=waits, instruments=("X:A",), timeframe="1d", parameters={}, bundle="", bundle_store="", folder="",
        database_url="", bus_kind="memory", bus_address="",
    )  # fmt: skip
    assert spec.intent_ttl == expected


@pytest.mark.parametrize(
    ("code", "text"),
    [(-9, "killed by signal 9 (out of memory?)"), (-15, "killed by signal 15"), (3, "ended with exit code 3")],
)
def test_exit_codes_are_told_in_words(code, text):
    assert of_exit(code).startswith(text)
