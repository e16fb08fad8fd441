from decimal import Decimal

from millstream.contracts.enums import Side
from millstream.execution.order import Order
from millstream.risk.reservations import Reservations

D = Decimal


def order(number: int, side: Side, quantity: str, *, reduce_only: bool = False) -> Order:
    item = Order(
        order_id=f"o{number}", intent_id="i", deployment_id="d", portfolio_id="p", instrument="X:A", side=side,
        quantity=D(quantity), reduce_only=reduce_only,
    )  # fmt: skip
    item.submit(ts=1)
    return item


def test_open_quantity_is_kept_by_side_and_follows_fills():
    held, first, second = Reservations(), order(1, Side.BUY, "4"), order(2, Side.SELL, "3")
    held.update(first)
    held.update(second)
    first.fill(D(1), D(10), ts=2)
    held.update(first)
    held.update(first)
    assert (held.buying("X:A"), held.selling("X:A"), held.instruments()) == (3, 3, ("X:A",))
    first.fill(D(3), D(10), ts=3)
    second.cancel("", ts=3)
    held.update(first)
    held.update(second)
    assert (held.buying("X:A"), held.selling("X:A"), held.instruments()) == (0, 0, ())


def test_an_unknown_order_stays_reserved():
    held, item = Reservations(), order(1, Side.BUY, "4")
    item.lose("timeout", ts=2)
    held.update(item)
    assert held.buying("X:A") == 4


def test_reduce_only_orders_are_not_counted():
    held = Reservations()
    held.update(order(1, Side.SELL, "4", reduce_only=True))
    assert held.selling("X:A") == 0
