from dataclasses import replace
from decimal import Decimal

import pytest

from millstream.contracts.enums import OrderType, Side
from millstream.research.compare import compare_orders, rejection_causes
from millstream.research.orders import OrderLine

D = Decimal
DAY = 86_400_000_000_000


def line(day, side=Side.BUY, quantity="10", **changes):
    order = OrderLine(
        decided_at=day * DAY,
        instrument="T:A",
        side=side,
        quantity=D(quantity),
        executed_at=day * DAY + 1,
        filled=D(quantity),
        price=D(100),
        fee=D("1"),
    )
    return replace(order, **changes)


RUN = [line(1), line(5, Side.SELL), line(9)]


def compare(paper, **options):
    return compare_orders(RUN, paper, lot=D(1), capital=D(100_000), **options)


def test_same_orders_are_equal_in_any_order():
    report = compare(RUN[::-1])
    assert report.equal
    assert report.matched == 3
    assert "3 orders agree" in str(report)


def test_one_lot_of_difference_is_allowed():
    assert compare([RUN[0], replace(RUN[1], quantity=D(11)), RUN[2]]).equal
    assert not compare([RUN[0], replace(RUN[1], quantity=D(12)), RUN[2]]).equal


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"side": Side.BUY}, "side"),
        ({"quantity": D(20)}, "quantity"),
        ({"executed_at": 6 * DAY}, "execution time"),
        ({"price": D(101)}, "price"),
        ({"fee": D(2)}, "fee"),
        ({"order_type": OrderType.LIMIT}, "type"),
    ],
)
def test_first_difference_is_named_with_both_sides(change, what):
    report = compare([RUN[0], replace(RUN[1], **change), replace(RUN[2], quantity=D(500))])
    assert (report.matched, report.first.what) == (1, f"{what} differs")
    assert report.first.decided_at == 5 * DAY
    assert report.first.backtest is RUN[1]
    assert "Likely cause" in str(report)
    assert not report.equal


def test_order_missing_on_paper_is_told_with_the_rejection():
    causes = rejection_causes([(5 * DAY, "T:A", "MAX_POSITION", "too large")])
    report = compare([RUN[0], RUN[2]], causes=causes)
    assert (report.first.what, report.first.paper) == ("missing on paper", None)
    assert "MAX_POSITION, too large" in report.first.cause


def test_order_missing_in_the_backtest_is_told():
    report = compare([RUN[0], line(3), *RUN[1:]])
    assert (report.first.what, report.first.decided_at) == ("missing in the backtest", 3 * DAY)
    assert report.first.backtest is None


def test_order_that_was_never_filled_on_one_side_is_told():
    unfilled = replace(RUN[2], executed_at=None, price=None, fee=None, filled=D(0))
    assert "one side only" in compare([*RUN[:2], unfilled]).first.cause


def test_profit_beyond_a_basis_point_is_a_difference():
    assert compare(RUN, backtest_pnl=D(1000), paper_pnl=D(1010)).equal
    report = compare(RUN, backtest_pnl=D(1000), paper_pnl=D(1011))
    assert not report.equal
    assert "bps of the capital apart" in str(report)
    assert report.to_dict()["first_difference"] is None


def test_nothing_on_both_sides_is_equal():
    assert compare_orders([], [], lot=D(1), capital=D(1)).equal


def test_two_orders_of_one_bar_are_paired_by_type_whatever_came_first():
    stop = line(3, Side.SELL, order_type=OrderType.STOP, price=None, executed_at=None, fee=None)
    limit = replace(stop, order_type=OrderType.LIMIT)
    report = compare_orders([stop, limit], [limit, stop], lot=D(1), capital=D(100_000))
    assert report.equal
    assert report.matched == 2


def test_a_quantity_beyond_the_figures_of_a_float_is_the_same():
    exact = line(1, quantity="1046583428397.994746")
    rounded = replace(exact, quantity=D(repr(float(exact.quantity))))
    report = compare_orders([rounded], [exact], lot=D("0.000001"), capital=D(100_000))
    assert report.equal
