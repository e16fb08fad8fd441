from decimal import Decimal

import pytest

from millstream.contracts.enums import Liquidity, OrderType, Side, TimeInForce
from millstream.contracts.events import Bar, BarOpened, Quote, Trade, Watermark
from millstream.contracts.instrument import Instrument
from millstream.contracts.time import SECOND
from millstream.execution.order import Order
from millstream.execution.venues.base import (
    Accepted,
    Canceled,
    CancelRefused,
    NotFound,
    Rejected,
    VenueCanceled,
    VenueExpired,
    VenueFill,
    VenueTriggered,
)
from millstream.execution.venues.paper import PaperBook
from millstream.execution.venues.paper_venue import PaperVenue

D = Decimal

DAY = 86_400 * SECOND
KEY = "X:A"
INSTRUMENTS = {
    KEY: Instrument(exchange="X", symbol="A", currency="USD", fee_rate=D("0.002"), maker_fee_rate=D("0.001")),
    "X:B": Instrument(exchange="X", symbol="B", currency="USD"),
}
BUY, SELL = Side.BUY, Side.SELL
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
COMMON = {"event_id": "e", "occurred_at": 0, "instrument": KEY}


def book(**options: object) -> PaperBook:
    return PaperBook(INSTRUMENTS, **options)


def order(number: int, side: Side, quantity: str = "10", **fields: object) -> Order:
    fields.setdefault("instrument", KEY)
    item = Order(
        order_id=f"o{number}", intent_id=f"i{number}", deployment_id="d", portfolio_id="p", side=side,
        quantity=D(quantity), client_order_id=f"c{number}", **fields,
    )  # fmt: skip
    item.submit(ts=0)
    return item


def limit(number: int, side: Side, price: str, **fields: object) -> Order:
    return order(number, side, order_type=OrderType.LIMIT, limit_price=D(price), **fields)


def stop(number: int, side: Side, price: str, **fields: object) -> Order:
    return order(number, side, order_type=OrderType.STOP, stop_price=D(price), **fields)


def stop_limit(number: int, side: Side, price: str, bound: str) -> Order:
    return order(number, side, order_type=OrderType.STOP_LIMIT, stop_price=D(price), limit_price=D(bound))


def opened(day: int, price: str, **fields: object) -> BarOpened:
    return BarOpened(**{**COMMON, **fields}, ts=day * DAY, timeframe="1d", open=D(price))


def bar(day: int, open_: str, high: str, low: str, close: str) -> Bar:
    return Bar(
        **COMMON, ts=(day + 1) * DAY, timeframe="1d", open_time=day * DAY, open=D(open_), high=D(high), low=D(low),
        close=D(close), volume=D(1),
    )  # fmt: skip


def quote(ts: int, bid: str, ask: str, size: str = "1") -> Quote:
    return Quote(**COMMON, ts=ts, bid=D(bid), ask=D(ask), bid_size=D(size), ask_size=D(size))


def trade(ts: int, price: str) -> Trade:
    return Trade(**COMMON, ts=ts, price=D(price), quantity=D(1))


def fills(events: list) -> list[tuple[str, D, D, int]]:
    found = [event for event in events if isinstance(event, VenueFill)]
    return [(event.client_order_id, event.quantity, event.price, event.ts) for event in found]


def test_a_market_order_fills_at_the_open_of_the_next_bar_with_the_takers_fee():
    venue = book()
    assert isinstance(venue.submit(order(1, BUY), now=DAY), Accepted)
    (fill,) = venue.on_market(opened(1, "100"))
    assert (fill.price, fill.quantity, fill.ts, fill.fee) == (100, 10, DAY, 2)
    assert (fill.liquidity, fill.account, fill.fee_currency) == (Liquidity.TAKER, "p", "USD")
    assert venue.on_market(bar(1, "100", "110", "90", "105")) == []


def test_a_bar_without_its_opening_fills_at_its_open_when_it_opened_after_acceptance():
    venue = book()
    venue.submit(order(1, BUY), now=DAY)
    assert fills(venue.on_market(bar(1, "100", "110", "90", "105"))) == [("c1", 10, 100, 2 * DAY)]


def test_a_bar_that_opened_before_acceptance_fills_at_its_close():
    venue = book()
    venue.submit(order(1, BUY), now=DAY + 5)
    assert fills(venue.on_market(bar(1, "100", "110", "90", "105"))) == [("c1", 10, 105, 2 * DAY)]


def test_an_order_accepted_after_the_opening_event_does_not_trade_at_that_open_nor_in_that_range():
    venue = book()
    venue.on_market(opened(1, "100"))
    venue.submit(order(1, BUY), now=DAY)
    venue.submit(limit(2, BUY, "95"), now=DAY)
    assert fills(venue.on_market(bar(1, "100", "110", "90", "105"))) == [("c1", 10, 105, 2 * DAY)]


def test_an_order_accepted_before_a_late_opening_event_trades_in_that_bar():
    venue = book()
    venue.submit(order(1, BUY), now=DAY + 5)
    venue.submit(limit(2, BUY, "95"), now=DAY + 5)
    assert fills(venue.on_market(opened(1, "100"))) == [("c1", 10, 100, DAY)]
    assert fills(venue.on_market(bar(1, "100", "110", "90", "105"))) == [("c2", 10, 95, 2 * DAY)]


def test_quotes_and_trades_fill_market_orders_at_the_other_side_and_the_price():
    venue = book()
    venue.submit(order(1, BUY), now=1)
    venue.submit(order(2, SELL), now=1)
    assert fills(venue.on_market(quote(2, "99", "101"))) == [("c1", 10, 101, 2), ("c2", 10, 99, 2)]
    venue.submit(order(3, SELL), now=3)
    assert fills(venue.on_market(trade(4, "98"))) == [("c3", 10, 98, 4)]


@pytest.mark.parametrize(("side", "price"), [(BUY, "100.1"), (SELL, "99.9")])
def test_slippage_moves_market_and_stop_fills_against_the_order(side, price):
    venue = book(slippage_bps=D(10))
    venue.submit(order(1, side), now=DAY)
    venue.submit(stop(2, side, "100"), now=DAY)
    assert [fill[2] for fill in fills(venue.on_market(opened(1, "100")))] == [D(price), D(price)]


def test_a_limit_fills_at_a_better_open_and_never_slips():
    venue = book(slippage_bps=D(10))
    venue.submit(limit(1, BUY, "100"), now=DAY)
    (fill,) = venue.on_market(opened(1, "98"))
    assert (fill.price, fill.liquidity, fill.fee) == (98, Liquidity.TAKER, D("1.96"))


@pytest.mark.parametrize(
    ("item", "price"), [(limit(1, BUY, "95"), 95), (limit(1, SELL, "108"), 108), (limit(1, BUY, "90"), 90)]
)
def test_a_limit_fills_at_its_price_when_the_range_touches_it_with_the_makers_fee(item, price):
    venue = book()
    venue.submit(item, now=DAY)
    assert venue.on_market(opened(1, "100")) == []
    (fill,) = venue.on_market(bar(1, "100", "110", "90", "105"))
    assert (fill.price, fill.liquidity, fill.fee) == (price, Liquidity.MAKER, price * D("0.01"))


def test_a_limit_out_of_range_stays_until_a_later_bar():
    venue = book()
    venue.submit(limit(1, BUY, "80"), now=DAY)
    assert venue.on_market(bar(1, "100", "110", "90", "105")) == []
    assert fills(venue.on_market(bar(2, "85", "86", "79", "80"))) == [("c1", 10, 80, 3 * DAY)]


def test_a_limit_takes_the_better_opposite_quote():
    venue = book()
    venue.submit(limit(1, BUY, "100"), now=1)
    venue.submit(limit(2, SELL, "100"), now=1)
    assert venue.on_market(quote(2, "99.5", "100.5")) == []
    assert fills(venue.on_market(quote(3, "99", "99.5"))) == [("c1", 10, D("99.5"), 3)]
    assert fills(venue.on_market(quote(4, "101", "102"))) == [("c2", 10, 101, 4)]


@pytest.mark.parametrize(("item", "gap", "price"), [(stop(1, SELL, "95"), "93", 93), (stop(1, BUY, "105"), "108", 108)])
def test_a_stop_fills_at_the_open_beyond_it(item, gap, price):
    venue = book()
    venue.submit(item, now=DAY)
    triggered, fill = venue.on_market(opened(1, gap))
    assert isinstance(triggered, VenueTriggered)
    assert (fill.price, fill.liquidity) == (price, Liquidity.TAKER)


@pytest.mark.parametrize(("item", "price"), [(stop(1, SELL, "95"), 95), (stop(1, BUY, "105"), 105)])
def test_a_stop_inside_the_range_fills_at_its_price(item, price):
    venue = book()
    venue.submit(item, now=DAY)
    assert fills(venue.on_market(bar(1, "100", "110", "90", "105"))) == [("c1", 10, price, 2 * DAY)]


def test_inside_one_bar_the_stop_executes_and_the_take_profit_finds_nothing_to_reduce():
    venue = book()
    venue.restore([], [("p", KEY, D(10))])
    venue.submit(limit(1, SELL, "108", reduce_only=True), now=DAY)
    venue.submit(stop(2, SELL, "92", reduce_only=True), now=DAY)
    events = venue.on_market(bar(1, "100", "110", "90", "105"))
    assert fills(events) == [("c2", 10, 92, 2 * DAY)]
    assert isinstance(events[-1], VenueCanceled)
    assert events[-1].client_order_id == "c1"


def test_a_reduce_only_order_fills_only_what_is_held_and_cancels_the_rest():
    venue = book()
    venue.submit(order(1, BUY, "4"), now=DAY)
    venue.on_market(opened(1, "100"))
    venue.submit(order(2, SELL, "10", reduce_only=True), now=DAY + 1)
    events = venue.on_market(trade(DAY + 2, "101"))
    assert fills(events) == [("c2", 4, 101, DAY + 2)]
    assert isinstance(events[1], VenueCanceled)
    assert venue.open_orders() == ()


def test_a_stop_limit_triggers_then_waits_for_its_limit():
    venue = book()
    venue.submit(stop_limit(1, BUY, "105", "103"), now=DAY)
    (event,) = venue.on_market(bar(1, "100", "110", "99", "107"))
    assert isinstance(event, VenueTriggered)
    assert fills(venue.on_market(bar(2, "107", "108", "102", "104"))) == [("c1", 10, 103, 3 * DAY)]


@pytest.mark.parametrize(("bound", "price"), [("106", 105), ("105", 105), ("103", 103)])
def test_a_stop_limit_in_range_fills_at_the_stop_or_at_its_limit_by_the_close(bound, price):
    venue = book()
    venue.submit(stop_limit(1, BUY, "105", bound), now=DAY)
    assert fills(venue.on_market(bar(1, "100", "110", "99", "102"))) == [("c1", 10, price, 2 * DAY)]


def test_a_slipped_stop_limit_never_passes_its_limit():
    venue = book(slippage_bps=D(100))
    venue.submit(stop_limit(1, BUY, "105", "105.5"), now=DAY)
    assert fills(venue.on_market(bar(1, "100", "110", "99", "102"))) == [("c1", 10, D("105.5"), 2 * DAY)]


@pytest.mark.parametrize("tif", [IOC, FOK])
def test_an_immediate_limit_that_is_not_marketable_expires_at_the_first_price(tif):
    venue = book()
    venue.submit(limit(1, BUY, "95", time_in_force=tif), now=DAY)
    (event,) = venue.on_market(opened(1, "100"))
    assert isinstance(event, VenueExpired)
    assert venue.on_market(bar(1, "100", "110", "90", "105")) == []


def test_sizes_are_shared_by_acceptance_and_the_rest_waits_expires_or_is_killed():
    venue = book(respect_sizes=True)
    venue.submit(limit(1, BUY, "101", quantity="4"), now=1)
    venue.submit(limit(2, BUY, "101", quantity="4", time_in_force=IOC), now=2)
    venue.submit(limit(3, BUY, "101", quantity="4", time_in_force=FOK), now=3)
    venue.submit(limit(4, BUY, "101", quantity="4"), now=4)
    events = venue.on_market(quote(5, "99", "100", size="6"))
    assert fills(events) == [("c1", 4, 100, 5), ("c2", 2, 100, 5)]
    assert [event.client_order_id for event in events if isinstance(event, VenueExpired)] == ["c2", "c3"]
    assert fills(venue.on_market(quote(6, "99", "100", size="3"))) == [("c4", 3, 100, 6)]
    assert venue.fetch("c4").filled == 3


def test_a_day_order_ends_with_the_utc_day_of_its_acceptance():
    venue = book()
    venue.submit(limit(1, BUY, "80", time_in_force=TimeInForce.DAY), now=DAY)
    (event,) = venue.on_market(bar(1, "100", "110", "90", "105"))
    assert isinstance(event, VenueExpired)
    venue.submit(limit(2, BUY, "80", time_in_force=TimeInForce.DAY), now=2 * DAY)
    (event,) = venue.on_market(opened(3, "70"))
    assert isinstance(event, VenueExpired)


def test_orders_of_other_sessions_and_instruments_are_left_alone():
    venue = book()
    venue.submit(order(1, BUY), now=1)
    assert venue.on_market(opened(1, "100", session="replay-1")) == []
    assert venue.on_market(opened(1, "100", instrument="X:B")) == []
    assert len(venue.open_orders(KEY)) == 1
    assert venue.open_orders("X:B") == ()


def test_a_watermark_changes_nothing():
    venue = book()
    venue.submit(order(1, BUY), now=1)
    assert venue.on_market(Watermark(**COMMON, ts=2, timeframe="1d")) == []


def test_submit_is_idempotent_and_refuses_what_it_cannot_hold():
    venue = book()
    first = venue.submit(order(1, BUY), now=1)
    assert venue.submit(order(1, BUY), now=9) == first
    for bad in (
        order(2, BUY, "0"), order(3, BUY, order_type=OrderType.LIMIT), order(4, BUY, order_type=OrderType.STOP),
        order(5, BUY, instrument="X:NONE"),
    ):  # fmt: skip
        assert isinstance(venue.submit(bad, now=1), Rejected)
    assert len(venue.open_orders()) == 1


def test_cancel_takes_an_order_out_and_refuses_what_is_not_there():
    venue = book()
    venue.submit(order(1, BUY), now=1)
    assert venue.cancel("c1", now=2) == Canceled(2)
    assert isinstance(venue.cancel("c1", now=3), CancelRefused)
    assert venue.fetch("c1") == NotFound(proof=True)
    assert venue.on_market(opened(1, "100")) == []


def test_a_book_restored_between_opening_and_bar_goes_on_as_if_nothing_happened():
    items = [limit(1, BUY, "95"), stop(2, BUY, "108"), limit(3, BUY, "101"), limit(4, BUY, "60"), order(5, SELL)]
    straight, crashed = book(), book()
    accepted, lost = items[:4], items[4]
    for item in accepted:
        item.created_ts = DAY
        for venue in (straight, crashed):
            answer = venue.submit(item, now=DAY)
        item.accept(answer.venue_order_id, ts=DAY)
    lost.lose("crash", ts=DAY)
    first = straight.on_market(opened(1, "100"))
    assert fills(first) == [("c3", 10, 100, DAY)] == fills(crashed.on_market(opened(1, "100")))
    items[2].fill(D(10), D(100), ts=DAY)
    crashed.restore(reversed(items), [("p", KEY, D(10))])
    for number in (1, 2):
        event = bar(number, "100", "110", "90", "105")
        assert crashed.on_market(event) == straight.on_market(event)
    assert crashed.open_orders() == straight.open_orders()
    assert crashed.fetch("c5") == NotFound(proof=True)


def test_a_restored_triggered_order_is_a_limit_order():
    item = stop_limit(1, BUY, "105", "103")
    item.accept("v", ts=1)
    item.trigger(ts=2)
    item.request_cancel(ts=3)
    venue = book()
    venue.restore([item], [])
    assert fills(venue.on_market(trade(DAY, "102"))) == [("c1", 10, 102, DAY)]


def test_trade_ids_are_the_same_in_every_run_and_differ_for_each_fill():
    def run() -> list[str]:
        venue = book(respect_sizes=True)
        venue.submit(limit(1, BUY, "101"), now=1)
        events = [*venue.on_market(quote(2, "99", "100", "3")), *venue.on_market(quote(3, "99", "100", "7"))]
        return [event.trade_id for event in events]

    assert run() == run()
    assert len(set(run())) == 2


async def test_the_venue_answers_like_its_book_and_tells_subscribers():
    venue, heard = PaperVenue(book()), []
    venue.subscribe(heard.append)
    item = order(1, BUY)
    assert isinstance(await venue.submit(item, now=1), Accepted)
    assert len(await venue.open_orders()) == 1
    assert venue.on_market(opened(1, "100")) == heard
    assert await venue.fetch_order("c1", KEY) == NotFound(proof=True)
    assert isinstance(await venue.cancel(item, now=2), CancelRefused)
