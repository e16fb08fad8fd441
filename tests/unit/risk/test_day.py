from decimal import Decimal

from millstream.risk.day import RiskDay
from millstream.risk.limits import DAY_NS

D = Decimal


def test_a_day_begins_once_and_forgets_the_latches():
    day = RiskDay()
    assert day.roll(3 * DAY_NS, D(100))
    day.trip("d")
    assert not day.roll(4 * DAY_NS - 1, D(50))
    assert (day.start_equity, day.tripped) == (100, {"d"})
    assert day.roll(4 * DAY_NS, D(90))
    assert (day.start_equity, day.tripped, day.peak_equity) == (90, frozenset(), 100)


def test_a_clock_that_goes_back_begins_no_day():
    day = RiskDay()
    day.roll(3 * DAY_NS, D(100))
    assert not day.roll(2 * DAY_NS, D(1))
    assert day.start_equity == 100


def test_the_peak_only_rises():
    day = RiskDay()
    for equity in (D(5), D(9), D(7)):
        day.observe(equity)
    assert day.peak_equity == 9


def test_a_stored_day_comes_back():
    day = RiskDay()
    assert RiskDay.from_value(day.to_value()) == day
    day.roll(3 * DAY_NS, D("100.25"))
    day.trip("b")
    day.trip("a")
    assert RiskDay.from_value(day.to_value()) == day
    assert day.to_value()["tripped"] == ["a", "b"]
