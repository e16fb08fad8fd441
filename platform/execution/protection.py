"""Stop-loss and take-profit of a position, as a pair of reduce-only orders of which one ends the other."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Self

import msgspec

from ..contracts.enums import OrderState, OrderType
from ..contracts.errors import InputError
from ..contracts.money import ONE, ZERO, round_to_tick
from .order import Order

STOP_LEG = "stop_loss"
PROFIT_LEG = "take_profit"


class Protection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployment's entries get that say nothing themselves: fractions of the entry price (0.05 = 5 %)."""

    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """From JSON values (numbers or numeric texts). Raises :class:`InputError` naming what is wrong."""
        texts = {name: None if value is None else str(value) for name, value in values.items()}
        try:
            protection = msgspec.convert(texts, cls, strict=False)
        except msgspec.ValidationError as error:
            raise InputError(f"protection: {error}", hint="Give stop_loss and take_profit as fractions.") from error
        for value in (protection.stop_loss, protection.take_profit):
            if value is not None and not (value.is_finite() and value > 0):
                raise InputError(f"protection: {value} is not a positive fraction", hint="5 % is 0.05.")
        return protection


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """The protection of one open position, as its entry set it.

    ``generation`` counts the pairs of legs that entry has had so far: each replacement needs new order ids.
    """

    intent_id: str
    stop_loss: Decimal | None
    take_profit: Decimal | None
    generation: int = 0

    def next(self) -> "Bracket":
        return msgspec.structs.replace(self, generation=self.generation + 1)


class Leg(NamedTuple):
    """A protective order that should be working: its name, type, price and quantity (base units)."""

    name: str
    order_type: OrderType
    price: Decimal
    quantity: Decimal


def bracket_after(
    bracket: Bracket | None, order: Order, before: Decimal, after: Decimal, default: Protection
) -> Bracket | None:
    """The bracket that holds once a fill of ``order`` moved the position from ``before`` to ``after`` (signed).

    Only a fill that opens, adds to or flips the position can set fractions: the order's own, else the deployment's.
    """
    if not after:
        return None
    flipped = bool(before) and (before > 0) != (after > 0)
    if before and not flipped and abs(after) < abs(before):
        return bracket
    stop = order.stop_loss if order.stop_loss is not None else default.stop_loss
    profit = order.take_profit if order.take_profit is not None else default.take_profit
    if order.leg or (stop is None and profit is None):
        return None if flipped or not before else bracket
    if bracket is not None and bracket.intent_id == order.intent_id:
        return bracket
    return Bracket(intent_id=order.intent_id, stop_loss=stop, take_profit=profit)


def wanted_legs(bracket: Bracket | None, quantity: Decimal, entry: Decimal, tick: Decimal) -> tuple[Leg, ...]:
    """The legs that protect a position of signed ``quantity`` entered at ``entry``.

    The stop comes first, so that a bar which touches both prices is taken for the loss.
    """
    if bracket is None or not quantity:
        return ()
    sign = 1 if quantity > 0 else -1
    size = abs(quantity)
    legs = []
    if bracket.stop_loss is not None:
        price = round_to_tick(entry * (ONE - sign * bracket.stop_loss), tick)
        legs.append(Leg(STOP_LEG, OrderType.STOP, price, size))
    if bracket.take_profit is not None:
        price = round_to_tick(entry * (ONE + sign * bracket.take_profit), tick)
        legs.append(Leg(PROFIT_LEG, OrderType.LIMIT, price, size))
    return tuple(leg for leg in legs if leg.price > ZERO)


def stands(order: Order, legs: Iterable[Leg]) -> bool:
    """Whether a working leg is as one of the wanted legs says, so that it can stay."""
    if order.state in {OrderState.PENDING_CANCEL, OrderState.UNKNOWN}:
        return False
    price = order.stop_price if order.order_type is OrderType.STOP else order.limit_price
    return any(
        leg.order_type is order.order_type and leg.price == price and leg.quantity == order.remaining for leg in legs
    )


def leg_name(leg: Leg, generation: int) -> str:
    """``stop_loss``, then ``stop_loss.1`` …: with the intent id it makes the order id of that replacement."""
    return f"{leg.name}.{generation}" if generation else leg.name


def order_of(leg: Leg, name: str, entry: Order, quantity: Decimal, ts: int) -> Order:
    """The order of a leg under the entry's intent; ``quantity`` is the signed position it protects."""
    order = entry.protective(
        name,
        quantity=leg.quantity,
        order_type=leg.order_type,
        ts=ts,
        limit_price=leg.price if leg.order_type is OrderType.LIMIT else None,
        stop_price=leg.price if leg.order_type is OrderType.STOP else None,
    )
    if (order.side.sign > 0) == (quantity > 0):
        order.side = order.side.opposite
    return order
