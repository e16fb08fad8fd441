"""What the working orders of a portfolio may still do to it. Orders in ``unknown`` keep their reservation."""

from decimal import Decimal
from typing import Protocol

from ..contracts.enums import OrderState, Side
from ..contracts.money import ZERO


class WorkingOrder(Protocol):
    """What risk reads of an order (``millstream.execution.order.Order`` has it all)."""

    @property
    def order_id(self) -> str: ...
    @property
    def instrument(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def remaining(self) -> Decimal: ...
    @property
    def reduce_only(self) -> bool: ...
    @property
    def state(self) -> OrderState: ...


class Reservations:
    """Open quantity by instrument and side. Reduce-only orders are not counted: they cannot open risk."""

    __slots__ = ("_buying", "_orders", "_selling")

    def __init__(self) -> None:
        self._orders: dict[str, tuple[str, Side, Decimal]] = {}
        self._buying: dict[str, Decimal] = {}
        self._selling: dict[str, Decimal] = {}

    def update(self, order: WorkingOrder) -> None:
        """Take over what is open of ``order`` now; a terminal one is released.

        Call it after *every* change of an order.
        """
        if order.reduce_only:
            return
        held = self._orders.pop(order.order_id, None)
        if held is not None:
            self._add(held[0], held[1], -held[2])
        remaining = ZERO if order.state.terminal else order.remaining
        if remaining:
            self._orders[order.order_id] = (order.instrument, order.side, remaining)
            self._add(order.instrument, order.side, remaining)

    def buying(self, instrument: str) -> Decimal:
        """Base units that working buy orders may still add."""
        return self._buying.get(instrument, ZERO)

    def selling(self, instrument: str) -> Decimal:
        """Base units that working sell orders may still take away."""
        return self._selling.get(instrument, ZERO)

    def instruments(self) -> tuple[str, ...]:
        """Instruments with anything open."""
        if not self._orders:
            return ()
        return tuple(dict.fromkeys((*self._buying, *self._selling)))

    def _add(self, instrument: str, side: Side, quantity: Decimal) -> None:
        book = self._buying if side is Side.BUY else self._selling
        total = book.get(instrument, ZERO) + quantity
        if total:
            book[instrument] = total
        else:
            book.pop(instrument, None)
