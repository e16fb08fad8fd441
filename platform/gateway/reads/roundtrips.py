"""Round trips from fills: from flat to flat, by average cost. Pure.

Fills are walked from the newest to the oldest, so that the newest trades need only the newest fills: the position after
the newest fill is known, every earlier one follows from it, and a trade is whole once the walk arrives where the
position was flat (or on the other side). No fill before that touches its average price.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from ...contracts.money import ZERO


class Fact(NamedTuple):
    """A fill as a round trip needs it: ``signed`` base units (> 0 bought), ``ts`` market time (UTC ns)."""

    version: int
    trade_id: str
    order_id: str
    intent_id: str
    leg: str
    deployment: str
    session: str
    signed: Decimal
    price: Decimal
    fee: Decimal
    ts: int


class Part(NamedTuple):
    """What of a fill belongs to one trade: all of it, or its share where it turned the position round."""

    fill: Fact
    signed: Decimal

    @property
    def fee(self) -> Decimal:
        whole = self.signed == self.fill.signed
        return self.fill.fee if whole else self.fill.fee * self.signed / self.fill.signed


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """One trade, its parts the oldest first. ``open_quantity`` is the signed rest of one that is still open."""

    parts: tuple[Part, ...]
    open_quantity: Decimal = ZERO

    @property
    def entry(self) -> Fact:
        return self.parts[0].fill

    @property
    def exit(self) -> Fact | None:
        """The fill that closed it, None while it is open."""
        return None if self.open_quantity else self.parts[-1].fill

    @property
    def sign(self) -> int:
        """1 for a long trade, -1 for a short one."""
        return 1 if self.parts[0].signed > 0 else -1

    @property
    def entered(self) -> Decimal:
        """Base units that were opened, the additions included."""
        return sum((abs(part.signed) for part in self._side(self.sign)), ZERO)

    @property
    def entry_price(self) -> Decimal:
        """Average price of what was opened."""
        return _average(self._side(self.sign))

    @property
    def exit_price(self) -> Decimal | None:
        """Average price of what was closed so far, None before that."""
        closing = self._side(-self.sign)
        return _average(closing) if closing else None

    @property
    def fees(self) -> Decimal:
        return sum((part.fee for part in self.parts), ZERO)

    def pnl(self, mark: Decimal | None) -> Decimal:
        """What it brought after fees: cash that came in, and what is left of it at ``mark``.

        Without a price the rest counts at its average price: as risk values such a position.
        """
        cash = sum((-part.signed * part.fill.price for part in self.parts), ZERO)
        if not self.open_quantity:
            return cash - self.fees
        return cash + self.open_quantity * (self.average_price if mark is None else mark) - self.fees

    @property
    def average_price(self) -> Decimal:
        """Average cost of what is still held: adding moves it, reducing does not."""
        held, average = ZERO, ZERO
        for part in self.parts:
            after = held + part.signed
            if (part.signed > 0) == (self.sign > 0):
                average = (held * average + part.signed * part.fill.price) / after
            held = after
        return average

    def _side(self, sign: int) -> list[Part]:
        return [part for part in self.parts if (part.signed > 0) == (sign > 0)]


def _average(parts: Iterable[Part]) -> Decimal:
    found = list(parts)
    return sum((part.signed * part.fill.price for part in found), ZERO) / sum((part.signed for part in found), ZERO)


def walk(fills: Iterable[Fact], position: Decimal, *, partial: bool = False) -> Iterator[RoundTrip]:
    """Round trips of one portfolio and instrument from its ``fills``, the newest first; so are the trips.

    ``position`` (signed) is what was held after the newest of them. ``partial``: a trade that is open there is passed
    over, because it does not end there; otherwise it is the first one, still open.
    """
    parts: list[Part] | None = None if partial and position else []
    rest = ZERO if partial else position
    for fill in fills:
        before = position - fill.signed
        turned = bool(before) and bool(position) and (before > 0) != (position > 0)
        if not before or turned:
            if parts is not None and position:
                opening = Part(fill, position if turned else fill.signed)
                yield RoundTrip(parts=(opening, *reversed(parts)), open_quantity=rest)
            parts, rest = [], ZERO
            if turned:
                parts.append(Part(fill, -before))
        elif not position:
            parts, rest = [Part(fill, fill.signed)], ZERO
        elif parts is not None:
            parts.append(Part(fill, fill.signed))
        position = before
