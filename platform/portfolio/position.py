"""One position: signed quantity at average cost."""

from dataclasses import dataclass
from decimal import Decimal

from ..contracts.money import ZERO


@dataclass(slots=True)
class Position:
    """Signed ``quantity`` (base units, negative = short) at ``average_price``, in the instrument's ``currency``.

    ``realized_pnl`` is before fees; ``fees`` counts what was charged in ``currency`` only (the ledger has them all).
    """

    instrument: str
    currency: str
    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    updated_ts: int = 0

    def apply(self, signed: Decimal, price: Decimal) -> Decimal:
        """Book a trade of ``signed`` base units at ``price`` and return the profit it realised (before fees).

        Average cost: adding moves the average, reducing realises ``closed × (price − average)``, and a trade through
        zero closes the whole position first and opens the rest at ``price``.
        """
        held = self.quantity
        after = held + signed
        if not held or (held > 0) == (signed > 0):
            self.average_price = price if not held else (held * self.average_price + signed * price) / after
            self.quantity = after
            return ZERO
        closed = held if abs(signed) >= abs(held) else -signed
        realized = closed * (price - self.average_price)
        self.realized_pnl += realized
        self.quantity = after
        if not after:
            self.average_price = ZERO
        elif (after > 0) != (held > 0):
            self.average_price = price
        return realized

    def unrealized_pnl(self, mark: Decimal) -> Decimal:
        """Profit if the position were closed at ``mark``, before fees."""
        return self.quantity * (mark - self.average_price)
