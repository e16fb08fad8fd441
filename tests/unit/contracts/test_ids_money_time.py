"""Ids, decimal arithmetic and timeframes."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from millstream.contracts import ids
from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import InputError
from millstream.contracts.money import bps_between, decimal, floor_to_step, round_to_tick
from millstream.contracts.time import from_datetime, from_iso, iso, timeframe_ns, to_datetime


def test_intent_id_same_event_same_id_and_any_difference_another() -> None:
    base = ("dep", "SAMPLE:AAPL", 5, 0)
    others = [
        ("dex", *base[1:]),
        ("dep", "SAMPLE:IBM", 5, 0),
        ("dep", "SAMPLE:AAPL", 6, 0),
        ("dep", "SAMPLE:AAPL", 5, 1),
    ]
    assert ids.intent_id(*base) == ids.intent_id(*base)
    assert len({ids.intent_id(*base), *(ids.intent_id(*other) for other in others)}) == 5


def test_client_order_id_fits_the_strictest_venue() -> None:
    order = ids.order_id("i", "stop")
    assert len(ids.client_order_id(order, 1)) <= 32
    assert ids.client_order_id(order, 1).isalnum()
    assert ids.client_order_id(order, 1) != ids.client_order_id(order, 2)


@pytest.mark.parametrize("text", ["AAPL", "", "a b:c", ":AAPL", "SAMPLE:", "SAMPLE:A B"])
def test_instrument_key_malformed_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="instrument"):
        ids.parse_instrument(text)


def test_instrument_key_exchange_is_upper_case() -> None:
    assert ids.instrument_key("binance", "BTC/USDT") == "BINANCE:BTC/USDT"


def test_decimal_of_float_is_its_shortest_text_and_nan_is_refused() -> None:
    assert decimal(0.1) == Decimal("0.1")
    with pytest.raises(ValueError, match="finite"):
        decimal(float("nan"))


def test_floor_to_step_cuts_towards_zero_on_both_sides() -> None:
    assert floor_to_step(Decimal("1.29"), Decimal("0.1")) == Decimal("1.2")
    assert floor_to_step(Decimal("-1.29"), Decimal("0.1")) == Decimal("-1.2")


def test_round_to_tick_is_half_even_and_bps_are_of_the_reference() -> None:
    assert round_to_tick(Decimal("1.005"), Decimal("0.01")) == Decimal("1.00")
    assert bps_between(Decimal(101), Decimal(100)) == 100


@pytest.mark.parametrize(
    ("text", "seconds"), [("1m", 60), ("5m", 300), ("4h", 14_400), ("1d", 86_400), ("1w", 604_800)]
)
def test_timeframe_length(text: str, seconds: int) -> None:
    assert timeframe_ns(text) == seconds * 1_000_000_000


@pytest.mark.parametrize("text", ["", "0m", "m", "5", "5x", "-1d", "1 d"])
def test_timeframe_malformed_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="timeframe"):
        timeframe_ns(text)


def test_times_round_trip_and_naive_ones_are_refused() -> None:
    moment = datetime(2022, 1, 31, 5, 31, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert to_datetime(from_datetime(moment)) == moment
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert from_iso(iso(from_datetime(moment))) == from_datetime(moment)
    with pytest.raises(ValueError, match="time zone"):
        from_datetime(moment.astimezone(UTC).replace(tzinfo=None))


def test_manual_clock_never_goes_back() -> None:
    clock = ManualClock(10)
    clock.set(20)
    with pytest.raises(ValueError, match="back"):
        clock.set(19)
