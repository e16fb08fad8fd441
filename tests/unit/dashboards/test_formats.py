from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

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
    shown = [f.number(None), f.money(None, "EUR"), f.price(None), f.quantity(None), f.percent(None), f.moment(None),
             f.price(float("nan")), f.money(float("inf"), "EUR")]  # fmt: skip
    assert shown == [NOTHING] * 8


def instrument(tick: str, lot: str, currency: str = "USD") -> SimpleNamespace:
    return SimpleNamespace(key="X:Y", price_tick=Decimal(tick), lot_step=Decimal(lot), currency=currency)


@pytest.mark.parametrize(
    ("tick", "lot", "price", "quantity"),
    [
        ("0.01", "1", "58.59", "2,532"),
        ("0.0001", "0.001", "58.5864", "2,532.125"),
        ("0.5", "0.000001", "58.6", "2,532.125"),
        ("10", "100", "59", "2,532"),
    ],
)
def test_prices_and_quantities_have_the_digits_of_tick_and_lot(tick, lot, price, quantity):
    f = Formats("en", "UTC")
    f.learn([instrument(tick, lot)])
    assert f.price(Decimal("58.58644244"), "X:Y") == price
    assert f.quantity(Decimal("2532.125000"), "X:Y") == quantity
    assert f.currency("X:Y") == "USD"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12345.678901", "12,345.68"), ("365.79918705", "365.80"), ("58.58644244", "58.586"), ("1.23456789", "1.2346"),
     ("0.12345678", "0.12346"), ("0.00123456", "0.001235"), ("29", "29.00"), ("0", "0.00")],
)  # fmt: skip
def test_a_price_without_a_known_tick_shows_five_digits_and_two_to_six_decimals(value, expected):
    assert Formats("en", "UTC").price(Decimal(value)) == expected


def test_what_is_not_zero_is_never_written_as_zero():
    f = Formats("en", "UTC")
    f.learn([instrument("0.01", "1")])
    tiny = Decimal("0.0000001234")
    shown = [f.price(tiny), f.price(tiny, "X:Y"), f.quantity(tiny), f.quantity(tiny, "X:Y"), f.money(-tiny, "BTC")]
    assert shown == ["0.0000001234"] * 4 + ["-0.0000001234 BTC"]


def test_what_rounds_to_zero_has_no_sign():
    f = Formats("en", "UTC")
    assert (f.number(-0.001, signed=True), f.number(0.001, signed=True), f.percent(-1e-9)) == ("0.00", "0.00", "0.00%")


def test_percent_takes_a_fraction():
    assert Formats("en", "UTC").percent(0.0512, signed=True) == "+5.12%"


def test_moments_are_of_the_viewers_time_zone():
    assert Formats("en", "Asia/Tokyo").moment(MOMENT) == "1 Feb 2026 08:30:05"
    assert Formats("de", "UTC").moment(MOMENT) == "31.01.2026 23:30:05"
    assert Formats("en", "Asia/Tokyo").local(MOMENT) == datetime(2026, 2, 1, 8, 30, 5)  # noqa: DTZ001 - a wall clock


def test_an_unknown_time_zone_or_language_falls_back():
    f = Formats("xx", "Nowhere/City")
    assert (f.zone_name, f.number(1)) == ("UTC", "1.00")
