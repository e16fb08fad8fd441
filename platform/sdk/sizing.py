"""From exposure to quantity: the one place where a target becomes an order size, for backtest, replay, paper and live.

target quantity = cut to the lot, towards zero (exposure × equity(t) / close(t));
order quantity  = target quantity − (position + what is working).
"""

from decimal import Decimal

from ..contracts.errors import InputError
from ..contracts.instrument import Instrument
from ..contracts.money import ZERO, decimal, floor_to_step

_DIGITS = 12
_SLACK = 1e-9


def exposure_of(value: float) -> float:
    """A target as the platform reads it: NaN is 0, floating-point noise beyond 12 decimals is cut.

    Raises :class:`InputError` outside [-1, 1].
    """
    if value != value:  # noqa: PLR0124 - the quickest test for NaN
        return 0.0
    if not -1.0 - _SLACK <= value <= 1.0 + _SLACK:
        raise InputError(
            f"The target {value!r} is outside [-1, 1]",
            hint="A target is an exposure: the fraction of the allotted capital to hold, negative for short. "
            "Divide by the number of instruments or clip it.",
        )
    return round(min(1.0, max(-1.0, value)), _DIGITS) + 0.0


def target_quantity(exposure: float, equity: Decimal, close: Decimal, lot: Decimal) -> Decimal:
    """Signed quantity (base units) to hold for ``exposure``; no equity holds nothing.

    ``equity`` and ``close`` are of the same moment and in the same currency.
    """
    if equity <= 0 or exposure == 0:
        return ZERO
    return floor_to_step(decimal(exposure) * equity / close, lot)


def order_quantity(
    exposure: float, *, equity: Decimal, close: Decimal, held: Decimal, instrument: Instrument
) -> Decimal:
    """Signed quantity to order so that ``held`` (position plus what is working) becomes the target.

    Zero when there is nothing to do, and when the venue's minimum quantity or notional would refuse the order.
    """
    wanted = target_quantity(exposure, equity, close, instrument.lot_step) - held
    if abs(wanted) < instrument.min_quantity or abs(wanted) * close < instrument.min_notional:
        return ZERO
    return wanted
