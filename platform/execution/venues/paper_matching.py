"""Prices at which a resting order executes on paper: functions of one order and one market event."""

from dataclasses import dataclass
from decimal import Decimal

from ...contracts.enums import Liquidity, OrderType, Side, TimeInForce
from ...contracts.events import Bar
from ...contracts.money import BPS, ONE, ZERO
from ...contracts.time import SECOND
from ..order import Order

DAY_NS = 86_400 * SECOND
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


@dataclass(slots=True, kw_only=True, eq=False)
class Resting:
    """An order in the book.

    ``accepted_ts`` is session time; ``after_open`` the open time of the bar whose ``BarOpened`` had been seen when it
    was accepted (-1: none): that open and its bar's range came before the order.
    """

    client_order_id: str
    order_id: str
    venue_order_id: str
    portfolio_id: str
    instrument: str
    session: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    reduce_only: bool
    limit_price: Decimal | None
    stop_price: Decimal | None
    quantity: Decimal
    filled: Decimal
    triggered: bool
    accepted_ts: int
    after_open: int

    @classmethod
    def of(cls, order: Order, *, accepted_ts: int, venue_order_id: str, triggered: bool, after_open: int) -> "Resting":
        """The book's own record of ``order``, which it never changes."""
        return cls(
            client_order_id=order.client_order_id,
            order_id=order.order_id,
            venue_order_id=venue_order_id,
            portfolio_id=order.portfolio_id,
            instrument=order.instrument,
            session=order.session,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            reduce_only=order.reduce_only,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            quantity=order.quantity,
            filled=order.filled,
            triggered=triggered,
            accepted_ts=accepted_ts,
            after_open=after_open,
        )

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def key(self) -> tuple[str, str]:
        return self.session, self.instrument

    @property
    def waiting(self) -> bool:
        """Whether a stop price must trade before the order can execute."""
        return self.order_type in _STOPS and not self.triggered

    @property
    def immediate(self) -> bool:
        return self.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}

    @property
    def day_end(self) -> int | None:
        """First moment (UTC ns) at which a DAY order is over: the end of the UTC day of its acceptance."""
        return (self.accepted_ts // DAY_NS + 1) * DAY_NS if self.time_in_force is TimeInForce.DAY else None


@dataclass(frozen=True, slots=True)
class Match:
    """A price at which an order may execute now. ``triggered``: its stop price traded with this event."""

    price: Decimal | None
    liquidity: Liquidity = Liquidity.TAKER
    triggered: bool = False


def slipped(price: Decimal, side: Side, slippage_bps: Decimal) -> Decimal:
    """``price`` moved against the order by ``slippage_bps``."""
    return price * (ONE + side.sign * slippage_bps / BPS) if slippage_bps else price


def reached(side: Side, price: Decimal, stop: Decimal) -> bool:
    """Whether ``price`` is at or beyond a stop of this side (a buy stop lies above the market)."""
    return price >= stop if side is Side.BUY else price <= stop


def marketable(side: Side, price: Decimal, limit: Decimal) -> bool:
    """Whether ``price`` is the limit or better."""
    return price <= limit if side is Side.BUY else price >= limit


def at_point(order: Resting, price: Decimal, slippage_bps: Decimal) -> Match | None:
    """Execution at one known price (an open, a close, a quote's other side, a trade); None where nothing happens.

    A limit order gets the better of its limit and the price. It pays the taker's fee where the price was better: it
    crossed the market; at its own price it pays the maker's.
    """
    triggered = False
    if order.waiting:
        if order.stop_price is None or not reached(order.side, price, order.stop_price):
            return None
        triggered = True
    if order.order_type not in _LIMITS or order.limit_price is None:
        return Match(slipped(price, order.side, slippage_bps), triggered=triggered)
    if marketable(order.side, price, order.limit_price):
        liquidity = Liquidity.MAKER if price == order.limit_price else Liquidity.TAKER
        return Match(price, liquidity, triggered)
    return Match(None, triggered=True) if triggered else None


def in_range(order: Resting, bar: Bar, slippage_bps: Decimal) -> Match | None:
    """Execution between the open and the close of ``bar`` for an order that was there at the open and survived it."""
    if order.waiting:
        return _stop_in_range(order, bar, slippage_bps)
    low_or_high = bar.low if order.side is Side.BUY else bar.high
    if order.limit_price is not None and marketable(order.side, low_or_high, order.limit_price):
        return Match(order.limit_price, Liquidity.MAKER)
    return None


def _stop_in_range(order: Resting, bar: Bar, slippage_bps: Decimal) -> Match | None:
    extreme = bar.high if order.side is Side.BUY else bar.low
    if order.stop_price is None or not reached(order.side, extreme, order.stop_price):
        return None
    price = slipped(order.stop_price, order.side, slippage_bps)
    if order.order_type is OrderType.STOP or order.limit_price is None:
        return Match(price, triggered=True)
    if marketable(order.side, order.stop_price, order.limit_price):
        better = min if order.side is Side.BUY else max
        return Match(better(price, order.limit_price), triggered=True)
    if marketable(order.side, bar.close, order.limit_price):
        return Match(order.limit_price, Liquidity.MAKER, triggered=True)
    return Match(None, triggered=True)


def present_at_open(order: Resting, bar: Bar, opened: int) -> bool:
    """Whether ``order`` was in the book when ``bar`` opened; ``opened`` is the last ``BarOpened`` the book has seen.

    Where that event was seen, the order of events says it; else the times do.
    """
    if order.after_open >= bar.open_time:
        return False
    return opened == bar.open_time or bar.open_time >= order.accepted_ts


def fault(order: Order) -> str:
    """Why a venue could not take ``order``; empty when it could."""
    if order.remaining <= ZERO:
        return f"nothing is open of the quantity {order.quantity}"
    if order.order_type in _LIMITS and order.limit_price is None:
        return f"a {order.order_type.value} order needs a limit price"
    if order.order_type in _STOPS and order.stop_price is None:
        return f"a {order.order_type.value} order needs a stop price"
    return ""
