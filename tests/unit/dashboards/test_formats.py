from datetime import UTC, datetime
from decimal import Decimal

import pytest

from millstream_dashboards.monitor.formats import NOTHING, Formats

MOMENT = datetime(2026, 1, 31, 23, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "1,234,567.50"),
        ("de", "1.234.567,50"),
        ("fr", "1\u202f234\u202f567,50"),
        ("es", "1.234.567,50"),
        ("zh", "1,234,567.50"),
    ],
)
def test_money_is_written_as_its_language_does(language, expected):
    assert Formats(language, "UTC").money(Decimal("1234567.5")) == expected


def test_money_with_a_currency_names_it_behind():
    assert Formats("en", "UTC").money(Decimal("-2.005"), "USD") == "-2.00 USD"


def test_signed_numbers_show_the_plus_so_that_colour_is_not_the_only_sign():
    f = Formats("en", "UTC")
    assert [f.number(value, signed=True) for value in (1, 0, -1)] == ["+1.00", "0.00", "-1.00"]


def test_none_is_a_dash_everywhere():
    f = Formats("de", "UTC")
    shown = [f.number(None), f.money(None, "EUR"), f.price(None), f.quantity(None), f.percent(None), f.moment(None)]
    assert shown == [NOTHING] * 6


def test_prices_and_quantities_keep_their_precision():
    f = Formats("en", "UTC")
    assert f.price(Decimal("0.00001234")) == "0.00001234"
    assert f.price(100) == "100.00"
    assert f.quantity(Decimal("12.500000")) == "12.5"


def test_percent_takes_a_fraction():
    assert Formats("en", "UTC").percent(0.0512, signed=True) == "+5.12%"


def test_moments_are_of_the_viewers_time_zone():
    assert Formats("en", "Asia/Tokyo").moment(MOMENT) == "1 Feb 2026 08:30:05"
    assert Formats("de", "UTC").moment(MOMENT) == "31.01.2026 23:30:05"
    assert Formats("en", "Asia/Tokyo").local(MOMENT) == datetime(2026, 2, 1, 8, 30, 5)  # noqa: DTZ001 - a wall clock


def test_an_unknown_time_zone_or_language_falls_back():
    f = Formats("xx", "Nowhere/City")
    assert (f.zone_name, f.number(1)) == ("UTC", "1.00")
