from decimal import Decimal

import msgspec
import pytest

from millstream.contracts.errors import InputError
from millstream.risk.limits import RiskLimits, paper_defaults

D = Decimal


def test_limits_survive_json():
    limits = paper_defaults(D(100_000))
    again = RiskLimits.from_mapping(msgspec.json.decode(msgspec.json.encode(limits.to_mapping())))
    assert again == limits


def test_numbers_and_numeric_texts_are_taken_exactly():
    limits = RiskLimits.from_mapping({"daily_loss_of_equity": 0.1, "leverage": 2, "max_order_qty": "1.50"})
    assert (limits.daily_loss_of_equity, limits.leverage, limits.max_order_qty) == (D("0.1"), 2, D("1.5"))


def test_an_unknown_limit_is_refused_with_the_near_match():
    with pytest.raises(InputError, match="Did you mean max_order_qty"):
        RiskLimits.from_mapping({"max_order_quantity": 1})


@pytest.mark.parametrize("value", ["much", -1, [1], "NaN", float("inf")])
def test_a_value_that_is_no_limit_is_refused(value):
    with pytest.raises(InputError, match="not valid"):
        RiskLimits.from_mapping({"max_order_qty": value})


def test_what_is_not_set_is_unset():
    unset = [name for name in RiskLimits.__struct_fields__ if getattr(RiskLimits(), name) is None]
    assert set(RiskLimits.__struct_fields__) - set(unset) == {"leverage", "buying_power_tolerance"}


def test_paper_defaults_set_one_form_of_every_limit():
    limits = paper_defaults(D(1000))
    assert {name for name in RiskLimits.__struct_fields__ if getattr(limits, name) is None} == {
        "max_order_notional",
        "max_position_qty",
        "max_position_notional",
        "max_gross_exposure",
        "daily_loss",
    }
