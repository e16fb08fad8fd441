"""Decimal arithmetic of prices, quantities and cash on the trading path."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal(10_000)


def decimal(value: Decimal | float | str) -> Decimal:
    """Exact decimal of ``value``; a float goes through its shortest text (0.1 becomes 0.1).

    Raises ``ValueError`` for NaN and infinities: no price or quantity is either.
    """
    result = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    if not result.is_finite():
        msg = f"{value!r} is not a finite number"
        raise ValueError(msg)
    return result


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """``value`` cut towards zero to a multiple of ``step`` (an order is never larger than asked for)."""
    if step <= 0:
        return value
    return (value / step).to_integral_value(rounding=ROUND_DOWN) * step


def round_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """``price`` rounded half-even to a multiple of ``tick``."""
    if tick <= 0:
        return price
    return (price / tick).to_integral_value(rounding=ROUND_HALF_EVEN) * tick


def bps_between(value: Decimal, reference: Decimal) -> Decimal:
    """Distance of ``value`` from ``reference`` in basis points of the reference, never negative."""
    return abs(value - reference) / abs(reference) * BPS
