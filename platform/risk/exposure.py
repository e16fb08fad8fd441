"""Worst cases: what a portfolio may come to hold when everything that is working, known or unknown, executes."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..contracts.enums import Side
from ..contracts.events import OrderIntent
from ..contracts.money import ONE, ZERO
from ..portfolio.ledger import Ledger
from .reservations import Reservations

if TYPE_CHECKING:
    from .view import PortfolioView


@dataclass(frozen=True, slots=True)
class Exposure:
    """Worst cases before and after an intent.

    ``quantity_…`` and ``position_…`` are its instrument's, in base units and in the portfolio's currency; ``gross_…``
    is the sum over all instruments and ``notional`` the intent's own part, in the portfolio's currency.
    """

    equity: Decimal
    notional: Decimal
    quantity_before: Decimal
    quantity_after: Decimal
    position_before: Decimal
    position_after: Decimal
    gross_before: Decimal
    gross_after: Decimal


def worst(position: Decimal, buying: Decimal, selling: Decimal) -> Decimal:
    """Largest absolute position when the buys alone or the sells alone execute."""
    return max(abs(position + buying), abs(position - selling))


def reduces(intent: OrderIntent, view: "PortfolioView", *, reserved: bool = False) -> bool:
    """Whether the intent can only make the position smaller.

    It must not turn it round either, even when all that is working on its side executes too. ``reserved``: its order
    stands among the reservations already.
    """
    if intent.reduce_only:
        return True
    if view.ledger is None:
        return False
    position = view.ledger.quantity(intent.instrument)
    if intent.side is Side.SELL:
        room, working = position, view.reservations.selling(intent.instrument)
    else:
        room, working = -position, view.reservations.buying(intent.instrument)
    return room >= working + (ZERO if reserved else intent.quantity)


def measure(intent: OrderIntent, view: "PortfolioView") -> Exposure:
    """Worst cases before and after ``intent``.

    Raises ``NotFoundError`` where a position or a working order has no mark and ``MissingRateError`` where a rate is
    missing: nothing is guessed.
    """
    ledger, open_ = view.portfolio, view.reservations
    key = intent.instrument
    adds = ZERO if intent.reduce_only else intent.quantity
    bought, sold = (adds, ZERO) if intent.side is Side.BUY else (ZERO, adds)
    held, buying, selling = ledger.quantity(key), open_.buying(key), open_.selling(key)
    before, after = worst(held, buying, selling), worst(held, buying + bought, selling + sold)
    others = gross(ledger, open_, without=key)
    unit = ledger.notional(key, ONE, view.reference_price)
    return Exposure(
        equity=ledger.equity(),
        notional=adds * unit,
        quantity_before=before,
        quantity_after=after,
        position_before=before * unit,
        position_after=after * unit,
        gross_before=others + before * unit,
        gross_after=others + after * unit,
    )


def gross(ledger: Ledger, open_: Reservations, *, without: str = "") -> Decimal:
    """Worst-case notional of all instruments but ``without``, in the portfolio's currency.

    Raises ``NotFoundError`` where a position or a working order has no mark, ``MissingRateError`` without a rate.
    """
    involved = dict.fromkeys(name for name, position in ledger.positions.items() if position.quantity)
    involved.update(dict.fromkeys(open_.instruments()))
    involved.pop(without, None)
    total = ZERO
    for name in involved:
        total += ledger.notional(name, worst(ledger.quantity(name), open_.buying(name), open_.selling(name)))
    return total
