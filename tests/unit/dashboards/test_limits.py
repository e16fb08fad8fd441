from decimal import Decimal

import pytest

from millstream.contracts.errors import InputError
from millstream.risk.limits import RiskLimits, paper_defaults
from millstream_dashboards.i18n import Translator
from millstream_dashboards.monitor.formats import NOTHING, Formats
from millstream_dashboards.monitor.limits import LIMITS, amount, changed, title, value_of, written

T = Translator("en")


def test_the_form_knows_every_limit_of_risk():
    assert set(LIMITS) == set(RiskLimits.__struct_fields__)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "units", NOTHING),
        (None, "USD", NOTHING),
        ("1500", "units", "1.500 Stück"),
        ("2.09306915", "x equity", "2,09 × Eigenkapital"),
        ("195208.90333514", "USD", "195.208,90 USD"),
        ("269.87060998", "bps", "269,9 bp"),
        ("1209600", "s", "1.209.600 s"),
    ],
)
def test_a_limit_is_written_with_its_unit_and_none_without_one(value, unit, expected):
    given = None if value is None else Decimal(value)
    assert amount(Translator("de"), Formats("de", "UTC"), given, unit) == expected


def test_what_the_form_fills_in_is_what_it_gives_back_when_it_is_typed_again():
    limits = paper_defaults(Decimal(100_000)).to_mapping()
    texts = {name: written(limits, name) for name in LIMITS}
    assert (texts["max_data_age_ns"], texts["max_order_notional"], texts["leverage"]) == ("1209600", "", "3")
    assert changed(T, texts, texts) == {}
    blank = dict.fromkeys(LIMITS, "-")
    given = changed(T, blank, texts)
    assert RiskLimits.from_mapping(given) == RiskLimits.from_mapping(limits)


def test_only_what_was_typed_differently_is_sent_and_an_emptied_limit_is_unset():
    before = {"max_order_qty": "5", "daily_loss": "100", "dup_window_ns": "0"}
    texts = {"max_order_qty": "5", "daily_loss": "", "dup_window_ns": "0.5"}
    assert changed(T, before, texts) == {"daily_loss": None, "dup_window_ns": 500_000_000}


@pytest.mark.parametrize("text", ["1,5", "ten", "NaN", "Infinity", "-1"])
def test_what_is_no_limit_is_refused_with_the_name_of_its_field(text):
    with pytest.raises(InputError, match="Leverage") as caught:
        changed(T, {"leverage": "1"}, {"leverage": text})
    assert caught.value.hint


def test_a_duration_is_read_in_seconds_and_a_use_of_it_has_the_same_name():
    assert value_of({"max_data_age_ns": 1_500_000_000}, "max_data_age_ns") == Decimal("1.5")
    assert title(T, "max_data_age_ns") == title(T, "max_data_age")
