"""How long an intent lives on the clock of its market."""

import pytest

from millstream.contracts.time import SECOND
from millstream.market.lifetime import FASTEST, LONGEST, lifetime

DAY = 86_400 * SECOND


def test_intent_on_the_wall_clock_lives_the_setting_whatever_the_timeframe():
    assert lifetime(30, clock="wall", timeframe="1d", speed=1.0) == 30 * SECOND


@pytest.mark.parametrize(
    ("speed", "waits", "bars"),
    [(4.0, False, 122), (0.01, False, 3), (0.0, True, 2), (4.0, True, 2)],
    ids=["paced", "slow", "lock-step", "paced lock-step"],
)
def test_intent_in_a_replay_lives_the_bars_that_are_played_meanwhile_and_two(speed, waits, bars):
    assert lifetime(30, clock="market", timeframe="1d", speed=speed, waits=waits) == bars * DAY


def test_intent_decided_on_a_friday_outlives_the_monday_that_is_played_before_it_comes():
    friday, monday = 5 * DAY, 8 * DAY
    assert friday + lifetime(30, clock="market", timeframe="1d", speed=1.0) > monday


def test_bar_shorter_than_the_setting_takes_nothing_from_it():
    assert lifetime(30, clock="market", timeframe="1s", speed=0.0, waits=True) == 30 * SECOND


def test_intent_in_a_replay_as_fast_as_possible_does_not_live_beyond_what_a_clock_can_say():
    assert lifetime(1, clock="market", timeframe="1m", speed=0.0) == (FASTEST + 2) * 60 * SECOND
    assert lifetime(3600, clock="market", timeframe="1d", speed=0.0) == LONGEST
    assert 2_000_000_000 * SECOND + LONGEST < 2**63
