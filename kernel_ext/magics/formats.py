"""How values are written in tables: texts for people, times in UTC, money grouped."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

NOTHING = "–"
MINUS = "−"


class Kind(StrEnum):
    """What a column holds: decides how it is written, aligned and coloured."""

    TEXT = "text"
    STATE = "state"
    NUMBER = "number"
    PRICE = "price"
    MONEY = "money"
    PNL = "pnl"
    SHARE = "share"

    @property
    def is_number(self) -> bool:
        return self not in {Kind.TEXT, Kind.STATE}


_PLACES = {Kind.NUMBER: 8, Kind.PRICE: 4, Kind.MONEY: 2, Kind.PNL: 2}


def text(value: Any, kind: Kind = Kind.TEXT) -> str:
    """One cell."""
    if value is None or value in ("", ()):
        return NOTHING
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={one}" for name, one in value.items()) or NOTHING
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(str, value))
    if kind is Kind.SHARE:
        return f"{float(value):.1%}"
    return number(value, kind) if isinstance(value, int | float | Decimal) and kind.is_number else str(value)


def number(value: float | Decimal, kind: Kind) -> str:
    """Thousands grouped, zeros at the end left out except of money; five figures of what is smaller than the places."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    places = _PLACES.get(kind, 8)
    if exact and exact.adjusted() < -places:
        places = 4 - exact.adjusted()
    shown = f"{abs(exact):,.{places}f}"
    if places != 2 and "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    sign = MINUS if exact < 0 else "+" if kind is Kind.PNL and exact > 0 else ""
    return sign + shown


def moment(value: datetime) -> str:
    """A time in UTC to the minute, or to the second where it has one."""
    value = value.astimezone(UTC)
    return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")


def tone(value: Any, kind: Kind) -> str:
    """``good``, ``bad`` or nothing: the colour of a cell, which its sign or word says as well."""
    if kind is Kind.PNL and isinstance(value, int | float | Decimal):
        return "good" if value > 0 else "bad" if value < 0 else ""
    if kind is Kind.STATE:
        return _TONES.get(str(value), "")
    return ""


_TONES = {
    "running": "good",
    "active": "good",
    "done": "good",
    "filled": "good",
    "halted": "bad",
    "reduce_only": "bad",
    "failed": "bad",
    "rejected": "bad",
    "denied": "bad",
}
