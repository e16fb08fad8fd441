from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.contracts.errors import InputError
from millstream.sdk.sizing import exposure_of, order_quantity, target_quantity
from millstream.sdk.testing import instrument

D = Decimal


@pytest.mark.parametrize(
    ("value", "expected"),
    [(float("nan"), 0.0), (0.5, 0.5), (1 + 1e-12, 1.0), (-1 - 1e-12, -1.0), (0.1 + 0.2, 0.3), (-0.0, 0.0)],
)
def test_exposure_is_read_without_noise(value, expected):
    assert exposure_of(value) == expected
    assert str(exposure_of(value)) == str(expected)


@pytest.mark.parametrize("value", [1.1, -2.0, float("inf"), float("-inf")])
def test_exposure_outside_the_range_is_refused(value):
    with pytest.raises(InputError, match="outside"):
        exposure_of(value)


@pytest.mark.parametrize(
    ("exposure", "equity", "close", "lot", "expected"),
    [
        (1.0, "100000", "30", "1", "3333"),
        (-1.0, "100000", "30", "1", "-3333"),
        (0.5, "100000", "30", "0.001", "1666.666"),
        (1.0, "0", "30", "1", "0"),
        (1.0, "-5", "30", "1", "0"),
        (0.0, "100000", "30", "1", "0"),
    ],
)
def test_target_quantity_is_cut_to_the_lot_towards_zero(exposure, equity, close, lot, expected):
    assert target_quantity(exposure, D(equity), D(close), D(lot)) == D(expected)


def test_order_is_the_difference_to_what_is_held():
    stock = instrument(lot_step=D(1))
    wanted = order_quantity(0.5, equity=D(100_000), close=D(10), held=D(7000), instrument=stock)
    assert wanted == D(-2000)


def test_order_below_the_venue_minimum_is_not_made():
    stock = instrument(lot_step=D(1), min_quantity=D(10))
    coin = instrument(lot_step=D(1), min_notional=D(1000))
    assert order_quantity(0.5, equity=D(100), close=D(10), held=D(0), instrument=stock) == 0
    assert order_quantity(0.5, equity=D(100), close=D(10), held=D(0), instrument=coin) == 0


@given(
    st.floats(-1, 1), st.decimals("0.01", "1e9", places=2), st.decimals("0.0001", "1e6", places=4), st.integers(0, 6)
)
def test_target_quantity_never_exceeds_the_exposure(exposure, equity, close, digits):
    lot = D(1).scaleb(-digits)
    read = exposure_of(exposure)
    quantity = target_quantity(read, equity, close, lot)
    assert abs(quantity) * close <= abs(D(repr(read))) * equity * (1 + D("1e-20"))
    assert (
        abs(quantity + (lot if read > 0 else -lot)) * close > abs(D(repr(read))) * equity * (1 - D("1e-20")) or not read
    )
    assert quantity % lot == 0
