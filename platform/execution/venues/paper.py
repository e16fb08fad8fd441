"""The paper venue's book: a pure matching engine on bars, quotes and trades."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from ...contracts.enums import Liquidity, OrderState, Side, TimeInForce
from ...contracts.events import Bar, BarOpened, MarketEvent, Quote, Trade
from ...contracts.ids import digest
from ...contracts.instrument import Instrument
from ...contracts.money import ZERO
from ..order import Order
from .base import (
    Accepted,
    Canceled,
    CancelRefused,
    NotFound,
    Rejected,
    VenueCanceled,
    VenueEvent,
    VenueExpired,
    VenueFill,
    VenueOrder,
    VenueTriggered,
)
from .paper_matching import Match, Resting, at_point, fault, in_range, present_at_open

_ON_THE_BOOK = frozenset(
    {
        OrderState.ACCEPTED,
        OrderState.TRIGGERED,
        OrderState.PARTIALLY_FILLED,
        OrderState.PENDING_CANCEL,
        OrderState.PENDING_UPDATE,
    }
)
Quantities = dict[Side, Decimal]


class PaperBook:
    """Working orders by (session, instrument), matched against market events (docs/architecture.md).

    A market order executes at the first price event after its acceptance. A bar is matched in three steps: its open
    for the orders that were there, then its range with stops before limits (the worse path is assumed), and its close
    for orders that came after the open. Within a step, orders go as they were accepted; nothing depends on their ids,
    which differ between a backtest and the deployment that repeats it.

    The book knows the position of every (portfolio, instrument) it filled, for reduce-only orders: give ``restore`` the
    positions that exist already. What it reports has happened; apply it in order. A trade id derives from the client
    order id and the cumulative quantity before the fill, so a replay after a restart gives the same ids.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        slippage_bps: Decimal = ZERO,
        respect_sizes: bool = False,
        venue: str = "paper",
    ) -> None:
        self.venue = venue
        self._instruments = instruments
        self._slippage = slippage_bps
        self._respect_sizes = respect_sizes
        self._orders: dict[str, Resting] = {}
        self._books: dict[tuple[str, str], dict[str, Resting]] = {}
        self._positions: dict[tuple[str, str], Decimal] = {}
        self._opened: dict[tuple[str, str], int] = {}

    def submit(self, order: Order, *, now: int) -> Accepted | Rejected:
        """Take the order into the book at session time ``now``; nothing fills before the next market event.

        The same client order id again, while the order is open, gives the same answer.
        """
        known = self._orders.get(order.client_order_id)
        if known is not None:
            return Accepted(known.venue_order_id, known.accepted_ts)
        reason = fault(order)
        if order.instrument not in self._instruments:
            reason = f"{order.instrument} is not traded here"
        if reason:
            return Rejected(reason)
        venue_order_id = digest("paper-order", self.venue, order.client_order_id)
        # A protective leg follows from a fill at the open itself: the bar's range comes after it.
        after_open = -1 if order.leg else self._opened.get((order.session, order.instrument), -1)
        self._rest(
            Resting.of(order, accepted_ts=now, venue_order_id=venue_order_id, triggered=False, after_open=after_open)
        )
        return Accepted(venue_order_id, now)

    def cancel(self, client_order_id: str, *, now: int) -> Canceled | CancelRefused:
        """Take the order out of the book. No event is emitted: the answer is the news."""
        resting = self._orders.get(client_order_id)
        if resting is None:
            return CancelRefused(f"no open order {client_order_id}")
        self._remove(resting)
        return Canceled(now)

    def fetch(self, client_order_id: str) -> VenueOrder | NotFound:
        """The order as the book has it.

        ``NotFound`` proves that it is not open here: the journal is this venue's storage, so an order whose
        acceptance was never journalled was not accepted.
        """
        resting = self._orders.get(client_order_id)
        return NotFound(proof=True) if resting is None else _report(resting)

    def open_orders(self, instrument: str | None = None) -> tuple[VenueOrder, ...]:
        """Every open order, or those of one instrument (all sessions)."""
        return tuple(_report(resting) for resting in self._orders.values() if instrument in {None, resting.instrument})

    def restore(self, orders: Iterable[Order], positions: Iterable[tuple[str, str, Decimal]]) -> None:
        """Rebuild the book from the journal, replacing what was there.

        ``orders`` may be all orders, in the order of their acceptance: those the venue has are taken (accepted and not
        terminal; ``unknown`` only with a venue order id; never ``submitted``). ``positions`` are
        ``(portfolio_id, instrument, signed quantity)``.
        """
        self._orders.clear()
        self._books.clear()
        self._opened.clear()
        self._positions = {(portfolio, instrument): quantity for portfolio, instrument, quantity in positions}
        for order in orders:
            lost = order.state is OrderState.UNKNOWN and bool(order.venue_order_id)
            if order.state in _ON_THE_BOOK or lost:
                self._rest(_restored(order))

    def on_market(self, event: MarketEvent) -> list[VenueEvent]:
        """Match the orders of the event's session and instrument. Events other than prices change nothing."""
        out: list[VenueEvent] = []
        key = (event.session, event.instrument)
        book = self._books.get(key)
        if book:
            orders = sorted(book.values(), key=lambda resting: resting.accepted_ts)
            if isinstance(event, Bar):
                self._on_bar(orders, event, out)
            else:
                self._on_point(orders, event, out)
        if isinstance(event, BarOpened):
            self._opened[key] = event.ts
        return out

    def _on_bar(self, orders: list[Resting], bar: Bar, out: list[VenueEvent]) -> None:
        self._expire_days(orders, bar.open_time, out)
        opened = self._opened.get((bar.session, bar.instrument), -1)
        early: list[Resting] = []
        late: list[Resting] = []
        for order in orders:
            (early if present_at_open(order, bar, opened) else late).append(order)
        self._step(early, bar.ts, lambda order: at_point(order, bar.open, self._slippage), out)
        early.sort(key=lambda order: not order.waiting)
        self._step(early, bar.ts, lambda order: in_range(order, bar, self._slippage), out)
        self._step(late, bar.ts, lambda order: at_point(order, bar.close, self._slippage), out)
        self._expire_days(orders, bar.ts, out)

    def _on_point(self, orders: list[Resting], event: MarketEvent, out: list[VenueEvent]) -> None:
        prices: Quantities
        sizes: Quantities | None = None
        if isinstance(event, BarOpened):
            prices = {Side.BUY: event.open, Side.SELL: event.open}
        elif isinstance(event, Trade):
            prices = {Side.BUY: event.price, Side.SELL: event.price}
        elif isinstance(event, Quote):
            prices = {Side.BUY: event.ask, Side.SELL: event.bid}
            if self._respect_sizes:
                sizes = {Side.BUY: event.ask_size, Side.SELL: event.bid_size}
        else:
            return
        self._expire_days(orders, event.ts, out)
        self._step(orders, event.ts, lambda order: at_point(order, prices[order.side], self._slippage), out, sizes)

    def _step(
        self,
        orders: Iterable[Resting],
        ts: int,
        match: Callable[[Resting], Match | None],
        out: list[VenueEvent],
        sizes: Quantities | None = None,
    ) -> None:
        for order in orders:
            if order.client_order_id not in self._orders:
                continue
            found = match(order)
            if found is not None:
                self._take(order, found, ts, out, sizes)
            if order.immediate and not order.waiting and order.client_order_id in self._orders:
                self._expire(order, ts, order.time_in_force.value.upper(), out)

    def _take(self, order: Resting, found: Match, ts: int, out: list[VenueEvent], sizes: Quantities | None) -> None:
        if found.triggered:
            order.triggered = True
            out.append(VenueTriggered(client_order_id=order.client_order_id, order_id=order.order_id, ts=ts))
        if found.price is None:
            return
        wanted = self._reducible(order) if order.reduce_only else order.remaining
        quantity = wanted if sizes is None else min(wanted, sizes[order.side])
        if order.time_in_force is TimeInForce.FOK and quantity < order.remaining:
            return
        if quantity > ZERO:
            out.append(self._fill(order, quantity, found.price, found.liquidity, ts))
            if sizes is not None:
                sizes[order.side] -= quantity
        if not order.remaining:
            self._remove(order)
        elif order.reduce_only and quantity == wanted:
            self._remove(order)
            reason = "reduce-only: no position is left to reduce"
            out.append(
                VenueCanceled(client_order_id=order.client_order_id, order_id=order.order_id, ts=ts, reason=reason)
            )

    def _fill(self, order: Resting, quantity: Decimal, price: Decimal, liquidity: Liquidity, ts: int) -> VenueFill:
        instrument = self._instruments[order.instrument]
        rate = instrument.maker_fee_rate if liquidity is Liquidity.MAKER else instrument.fee_rate
        trade_id = digest("paper-trade", order.client_order_id, f"{order.filled.normalize():f}")
        order.filled += quantity
        place = (order.portfolio_id, order.instrument)
        self._positions[place] = self._positions.get(place, ZERO) + order.side.sign * quantity
        return VenueFill(
            client_order_id=order.client_order_id,
            order_id=order.order_id,
            ts=ts,
            venue=self.venue,
            account=order.portfolio_id,
            trade_id=trade_id,
            instrument=order.instrument,
            side=order.side,
            quantity=quantity,
            price=price,
            fee=quantity * price * rate,
            fee_currency=instrument.currency,
            liquidity=liquidity,
        )

    def _reducible(self, order: Resting) -> Decimal:
        position = self._positions.get((order.portfolio_id, order.instrument), ZERO)
        return min(order.remaining, max(-order.side.sign * position, ZERO))

    def _expire_days(self, orders: Iterable[Resting], now: int, out: list[VenueEvent]) -> None:
        for order in orders:
            end = order.day_end
            if end is not None and now >= end and order.client_order_id in self._orders:
                self._expire(order, now, "DAY", out)

    def _expire(self, order: Resting, ts: int, why: str, out: list[VenueEvent]) -> None:
        self._remove(order)
        reason = f"time in force {why}"
        out.append(VenueExpired(client_order_id=order.client_order_id, order_id=order.order_id, ts=ts, reason=reason))

    def _rest(self, resting: Resting) -> None:
        self._orders[resting.client_order_id] = resting
        self._books.setdefault(resting.key, {})[resting.client_order_id] = resting

    def _remove(self, resting: Resting) -> None:
        del self._orders[resting.client_order_id]
        book = self._books[resting.key]
        del book[resting.client_order_id]
        if not book:
            del self._books[resting.key]


def _restored(order: Order) -> Resting:
    states = {order.state, order.previous_state}
    accepted = order.updated_ts if order.state is OrderState.ACCEPTED else order.created_ts
    triggered = OrderState.TRIGGERED in states or order.filled > ZERO
    return Resting.of(
        order, accepted_ts=accepted, venue_order_id=order.venue_order_id, triggered=triggered, after_open=-1
    )


def _report(resting: Resting) -> VenueOrder:
    state = OrderState.TRIGGERED if resting.triggered else OrderState.ACCEPTED
    return VenueOrder(
        client_order_id=resting.client_order_id,
        venue_order_id=resting.venue_order_id,
        instrument=resting.instrument,
        side=resting.side,
        quantity=resting.quantity,
        filled=resting.filled,
        state=OrderState.PARTIALLY_FILLED if resting.filled else state,
        ts=resting.accepted_ts,
    )
