"""The peak of a summed curve that is followed is that of the whole curve, whoever is behind in market time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from millstream.gateway.reads import curves
from millstream.gateway.reads.peaks import Peak

D = Decimal
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def point(day, value):
    moment = FIRST + timedelta(days=day)
    return curves.Point(moment, moment + timedelta(hours=21), D(value))


def test_peak_of_a_sum_is_lower_than_the_sum_of_the_peaks():
    # a: 100, 130, 110; b: 50, 40, 65. Sums 150, 170, 175; their own peaks are 130 and 65, together 195.
    peak = Peak.of({"a": D(100), "b": D(50)})
    peak = peak.followed({"a": [point(0, 130), point(1, 110)], "b": [point(0, 40), point(1, 65)]})
    assert peak.highest == 175
    assert curves.depth(D(140), peak.highest) == 0.2


def test_portfolio_that_comes_late_in_market_time_changes_the_peak_behind():
    ahead = Peak.of({"a": D(100), "b": D(50)}).followed({"a": [point(5, 120), point(9, 90)]})
    assert ahead.highest == 170
    # b earned 30 before a did: 80 + 100, then 80 + 120 on day 5, and lost it before a fell.
    behind = ahead.followed({"b": [point(2, 80)]}).followed({"b": [point(7, 50)]})
    assert behind.highest == 200
    assert sorted(behind.changes) == [FIRST + timedelta(days=day) for day in (7, 9)]


def test_point_of_the_newest_bucket_that_is_told_again_replaces_it():
    peak = Peak.of({"a": D(100)}).followed({"a": [point(0, 150)]}).followed({"a": [point(0, 110)]})
    assert peak.highest == 110
    assert peak.followed({"a": [point(1, 90)]}).highest == 110


def test_equity_that_never_rose_has_its_peak_at_the_beginning():
    assert Peak.of({"a": D(100)}).followed({"a": [point(0, 80), point(1, 90)]}).highest == 100


values = st.integers(min_value=1, max_value=200)
walks = st.lists(st.tuples(st.integers(min_value=0, max_value=30), values), unique_by=lambda step: step[0])


@given(st.lists(walks, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_followed_peak_is_that_of_the_whole_curve(found, random):
    curve = {str(name): [point(*step) for step in sorted(walk)] for name, walk in enumerate(found)}
    initial = dict.fromkeys(curve, D(100))
    begin = sum(initial.values(), D(0))
    expected = max([begin, *(one.value for one in curves.total(curve, initial))])

    peak = Peak.of(initial)
    turns = [name for name, points in curve.items() for _ in points]
    random.shuffle(turns)
    left = {name: iter(points) for name, points in curve.items()}
    for name in turns:
        peak = peak.followed({name: [next(left[name])]})
    assert peak.highest == expected
    falls = curves.declines([*curves.total(curve, initial), curves.Point(FIRST, FIRST, D(60))], begin)
    assert curves.depth(D(60), max(expected, D(60))) <= max((one.depth for one in falls), default=0.0)
