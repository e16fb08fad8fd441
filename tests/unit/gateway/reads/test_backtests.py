"""The comparison with the backtest, in numbers and in words."""

from decimal import Decimal

from millstream.gateway.reads.backtests import Line, Profit, Window, backtest_profit, differences

D = Decimal
KEY = "X:A"


def line(decided_at, signed, price=100, *, executed_at=None, fee=0, leg=""):
    executed = decided_at if executed_at is None else executed_at
    return Line(decided_at, KEY, leg, D(signed), executed, D(price), D(fee))


def test_profit_of_a_window_begins_with_what_was_held_at_its_first_close():
    # 5 are bought at 100 before the window and worth 110 at its first close; 5 more decided there cost 112.
    lines = [line(10, 5, 100, fee=1), line(20, 5, 112), line(30, -10, 120, fee=2)]
    found = backtest_profit(lines, Window(20, 30), {(KEY, 20): D(110), (KEY, 30): D(118)}, D(1000))
    assert found == Profit(D(1000 - 501 + 550), D(5 * 8 + 5 * 6))


def test_order_that_waits_counts_from_its_execution():
    lines = [line(10, 5, 100, executed_at=25)]
    found = backtest_profit(lines, Window(20, 30), {(KEY, 30): D(104)}, D(1000))
    assert found == Profit(D(1000), D(20))


def test_profit_cannot_be_told_without_the_close_of_what_is_held():
    assert backtest_profit([line(10, 5)], Window(20, 30), {(KEY, 30): D(104)}, D(1000)) is None


def test_differences_name_the_first_order_that_one_side_lacks():
    text = " ".join(differences([line(10, 5), line(20, -5)], [line(10, 7), line(86_400_000_000_000, 5)]))
    assert text.startswith("1 orders were decided at the same bar")
    assert "1 of the backtest are missing on this account, the first at 1970-01-02T00:00:00Z (X:A buy)" in text
    assert "1 of this account are missing in the backtest" in text


def test_sides_that_agree_are_said_to():
    assert differences([line(10, 5)], [line(10, 5)])[-1] == "No order is missing on either side."
    assert differences([], [])[-1] == "Neither side decided an order."
