"""Round trips found from the newest fill on are those that a ledger makes from the oldest on."""

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.gateway.reads.roundtrips import Fact, walk
from millstream.portfolio.position import Position

D = Decimal


def fill(version, signed, price, fee=0):
    return Fact(
        version=version,
        trade_id=f"t{version}",
        order_id=f"o{version}",
        intent_id=f"i{version}",
        leg="",
        deployment="d",
        session="s",
        signed=D(signed),
        price=D(price),
        fee=D(str(fee)),
        ts=version,
    )


def history(*trades):
    return [fill(number, *trade) for number, trade in enumerate(trades, start=1)]


def found(fills, **options):
    return list(walk(reversed(fills), sum((one.signed for one in fills), D(0)), **options))


def test_round_trip_in_parts_pairs_averages():
    (trip,) = found(history((10, 100, 1), (10, 110, 1), (-5, 120, "0.5"), (-15, 130, "1.5")))
    assert (trip.sign, trip.entered, trip.entry_price, trip.exit_price) == (1, 20, 105, D("127.5"))
    assert trip.fees == 4
    assert trip.pnl(None) == 5 * 120 + 15 * 130 - 10 * 100 - 10 * 110 - 4
    assert (trip.entry.version, trip.exit.version) == (1, 4)


def test_turn_ends_one_trip_and_begins_the_next_with_its_share_of_the_fee():
    short, long = found(history((10, 100), (-15, 110, 3), (5, 100)))
    assert (long.sign, long.entered, long.fees, long.pnl(None)) == (1, 10, 2, 98)
    assert (short.sign, short.entered, short.fees, short.pnl(None)) == (-1, 5, 1, 49)
    assert long.exit == short.entry


def test_open_trip_is_valued_at_its_mark_and_at_cost_without_one():
    (trip,) = found(history((10, 100), (-4, 120), (2, 90)))
    assert (trip.open_quantity, trip.exit, trip.average_price) == (8, None, D("97.5"))
    assert trip.pnl(D(110)) == 80 + 8 * (D(110) - D("97.5"))
    assert trip.pnl(None) == 80


def test_trip_that_was_open_at_the_end_of_the_walk_is_passed_over():
    fills = history((10, 100), (-10, 110), (5, 100), (-2, 90))
    assert [trip.entry.version for trip in found(fills)] == [3, 1]
    assert [trip.entry.version for trip in found(fills, partial=True)] == [1]
    assert found(history((10, 100), (-15, 110)), partial=True)[0].exit.version == 2


def test_no_fills_make_no_trip():
    assert found([]) == []


QUANTITIES = st.integers(-5, 5).filter(bool)
TRADES = st.lists(st.tuples(QUANTITIES, st.integers(1, 50), st.integers(0, 9)), max_size=40)


@given(TRADES, st.integers(1, 60))
def test_profit_of_all_trips_is_that_of_the_ledger(trades, mark):
    fills = history(*trades)
    position = Position("X:A", "USD")
    realized, closings = D(0), 0
    for one in fills:
        before = position.quantity
        realized += position.apply(one.signed, one.price)
        closings += bool(before) and (not position.quantity or (position.quantity > 0) != (before > 0))
    trips = found(fills)

    expected = realized + position.unrealized_pnl(D(mark)) - sum((one.fee for one in fills), D(0))
    assert float(sum((trip.pnl(D(mark)) for trip in trips), D(0))) == pytest.approx(float(expected), abs=1e-9)
    assert sum(trip.exit is not None for trip in trips) == closings
    assert [trip.open_quantity for trip in trips if trip.exit is None] == (
        [position.quantity] if position.quantity else []
    )
    if position.quantity:
        assert float(trips[0].average_price) == pytest.approx(float(position.average_price))


@given(TRADES, st.integers(0, 40))
def test_walk_from_any_fill_finds_what_was_closed_until_then(trades, cut):
    fills = history(*trades)
    closed = [trip for trip in found(fills) if trip.exit is not None and trip.exit.version <= cut]
    begun = fills[:cut]
    position = sum((one.signed for one in begun), D(0))
    again = list(walk(reversed(begun), position, partial=True))

    signature = defaultdict(list)
    for name, trips in (("whole", closed), ("cut", again)):
        for trip in trips:
            signature[name].append((trip.entry.version, trip.exit.version, trip.pnl(None)))
    assert signature["cut"] == signature["whole"]
