"""Risk limits as people read and write them: by name, in units, durations in seconds."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from millstream.contracts.errors import InputError

from ..i18n import Translator
from .entry import number_in
from .formats import NOTHING, Formats

UNITS, EQUITY, BPS, SECONDS, FACTOR, MONEY = "units", "x equity", "bps", "s", "x", ""
LIMITS = {
    "max_order_qty": UNITS,
    "max_order_notional": MONEY,
    "max_order_notional_of_equity": EQUITY,
    "max_position_qty": UNITS,
    "max_position_notional": MONEY,
    "max_position_of_equity": EQUITY,
    "max_gross_exposure": MONEY,
    "max_gross_exposure_of_equity": EQUITY,
    "leverage": FACTOR,
    "buying_power_tolerance": FACTOR,
    "daily_loss": MONEY,
    "daily_loss_of_equity": EQUITY,
    "price_collar_bps": BPS,
    "max_jump_bps": BPS,
    "max_data_age_ns": SECONDS,
    "dup_window_ns": SECONDS,
}
"""Unit by limit, in the order of the form; money is in the portfolio's currency."""
MEASURED = ("buying_power", "limits", "max_data_age", "dup_window")
"""Names that the gateway gives to uses beside those of the limits."""
_WORDS = {UNITS: "unit.units", EQUITY: "unit.x_equity", BPS: "unit.bps", SECONDS: "unit.s", FACTOR: "unit.x"}
_NANO = 1_000_000_000
_DIGITS = {BPS: 1, SECONDS: 1}


def title(t: Translator, name: str) -> str:
    """What a limit, or a use of one, is called."""
    return t.of("limit", name.removesuffix("_ns"))


def amount(t: Translator, f: Formats, value: Decimal | None, unit: str) -> str:
    """A value with its unit; a unit that is none of ours is a currency."""
    if value is None:
        return NOTHING
    if unit not in _WORDS:
        return f.money(value, unit)
    text = f.quantity(value) if unit == UNITS else f.short(value, _DIGITS.get(unit, 2))
    return f"{text} {t(_WORDS[unit])}"


def unit_of(t: Translator, name: str, currency: str) -> str:
    """The unit of a limit in words, for the label of its field."""
    return t(_WORDS[LIMITS[name]]) if LIMITS[name] else currency


def value_of(limits: Mapping[str, Any], name: str) -> Decimal | None:
    """A limit of a deployment in its unit, None where it is unset."""
    value = limits.get(name)
    if value is None:
        return None
    exact = Decimal(str(value))
    return exact / _NANO if name.endswith("_ns") else exact


def written(limits: Mapping[str, Any], name: str) -> str:
    """A limit as it stands in a field of the form: digits with a point, nothing where it is unset."""
    value = value_of(limits, name)
    return "" if value is None else f"{value.normalize():f}"


def changed(t: Translator, before: Mapping[str, str], texts: Mapping[str, str]) -> dict[str, Any]:
    """What was typed differently than it was filled in, as the gateway takes it; an emptied limit is unset.

    Raises :class:`InputError` for what is no number of at least 0, naming its field.
    """
    return {name: _given(t, name, text) for name, text in texts.items() if text != before[name]}


def _given(t: Translator, name: str, text: str) -> Any:
    value = number_in(t, title(t, name), text)
    if value is None:
        return None
    if value < 0:
        raise InputError(t("limits.negative", field=title(t, name)), hint=t("limits.negative_hint"))
    return int(value * _NANO) if name.endswith("_ns") else str(value)
