from decimal import Decimal

import numpy as np
import pytest

from millstream.contracts.clock import ManualClock
from millstream.contracts.enums import OrderType, Side
from millstream.contracts.errors import InputError
from millstream.contracts.events import CancelIntent, Quote
from millstream.contracts.ids import intent_id
from millstream.contracts.time import SECOND
from millstream.sdk import Strategy, testing
from millstream.sdk.host import HostConfig, Past, StrategyHost
from millstream.sdk.orders import WorkingOrder
from millstream.sdk.portfolio import PortfolioView

D = Decimal
AAPL = testing.instrument(lot_step=D(1))
IBM = testing.instrument("IBM", lot_step=D(1))
DAY = 86_400 * SECOND


class Above(Strategy):
    """Half in while the close is above a level."""

    level: float = 100.0

    def target(self, bars):
        return (bars.close > self.level).astype(float) / 2


class Scripted(Strategy):
    """Does what a test gives it, and remembers what it was told."""

    def on_start(self, context):
        self.told = ["start"]

    def on_bar(self, context, bar):
        self.told.append(f"bar {bar.symbol} {bar.close:g}")
        self.act(context, bar)

    def on_fill(self, context, fill):
        self.told.append(f"fill {fill.side.value} {fill.quantity:g} at {fill.price:g}")

    def on_stop(self, context):
        self.told.append("stop")

    def act(self, context, bar):
        pass


def config(*instruments):
    return HostConfig(
        deployment_id="d", portfolio_id="p", epoch=3, instruments=instruments or (AAPL,), timeframe="1d", session="s"
    )


def host_of(strategy, *instruments):
    return StrategyHost(strategy, config(*instruments), ManualClock())


def account(cash=100_000):
    return PortfolioView("p", "USD", D(cash))


def decide_all(host, events, portfolio):
    made = []
    for ts in sorted({bar.ts for bar in events}):
        for bar in events:
            if bar.ts == ts:
                host.on_bar(bar)
        made += host.decide(ts, portfolio)
    return made


def test_intent_says_all_about_itself():
    host = host_of(Above(stop_loss=0.05, take_profit=0.1))
    (intent,) = decide_all(host, testing.bars(testing.frame([101.0]), AAPL.key), account())
    ts = testing.bars(testing.frame([101.0]), AAPL.key)[0].ts
    assert intent.intent_id == intent.idempotency_key == intent_id("d", AAPL.key, ts, 0)
    assert (intent.deployment_id, intent.portfolio_id, intent.epoch, intent.session) == ("d", "p", 3, "s")
    assert intent.risk_key == "p:TEST:AAPL"
    assert (intent.decided_at, intent.expires_at) == (ts, ts + 30 * SECOND)
    assert (intent.side, intent.quantity, intent.order_type) == (Side.BUY, D(495), OrderType.MARKET)
    assert intent.reference_price == D("101.0")
    assert (intent.stop_loss, intent.take_profit) == (D("0.05"), D("0.1"))


def test_order_that_closes_carries_no_protection():
    bench = testing.Bench(Above(stop_loss=0.05), [AAPL]).run({AAPL.key: testing.frame([101, 102, 99])})
    buy, sell = bench.orders
    assert (buy.stop_loss, sell.stop_loss) == (D("0.05"), None)


def test_order_that_only_makes_the_position_smaller_may_not_turn_it_round():
    bench = testing.Bench(Above(), [AAPL]).run({AAPL.key: testing.frame([101, 102, 99])})
    assert [order.reduce_only for order in bench.orders] == [False, True]


def test_order_that_turns_the_position_round_may_do_so():
    class Flip(Strategy):
        def target(self, bars):
            return (bars.close > 100) * 2.0 - 1.0

    bench = testing.Bench(Flip(), [AAPL]).run({AAPL.key: testing.frame([101, 102, 99])})
    assert [order.reduce_only for order in bench.orders] == [False, False]


def test_target_is_rebalanced_only_where_it_changes():
    bench = testing.Bench(Above(), [AAPL]).run({AAPL.key: testing.frame([99, 101, 105, 99, 98, 120])})
    assert [(order.side, order.quantity) for order in bench.orders] == [
        (Side.BUY, D(495)),
        (Side.SELL, D(495)),
        (Side.BUY, D(412)),
    ]


def test_target_is_rebalanced_at_every_bar_with_always():
    bench = testing.Bench(Above(rebalance="always"), [AAPL]).run({AAPL.key: testing.frame([101, 202, 202])})
    assert [(order.side, order.quantity) for order in bench.orders] == [(Side.BUY, D(495)), (Side.SELL, D(124))]


def test_what_is_working_counts_as_held():
    host, portfolio = host_of(Above(rebalance="always")), account()
    made = decide_all(host, testing.bars(testing.frame([101.0, 101.0]), AAPL.key), portfolio)
    assert len(made) == 1


def test_rejected_order_is_not_working_any_more():
    bench = testing.Bench(Above(rebalance="always"), [AAPL])
    events = testing.bars(testing.frame([101.0, 101.0]), AAPL.key)
    (first,) = bench.step(events[:1])
    bench.reject(first)
    (second,) = bench.step(events[1:])
    assert second.quantity == first.quantity
    assert second.intent_id != first.intent_id


def test_instrument_without_a_bar_is_skipped_and_compared_with_its_own_previous_bar():
    first = testing.frame([101, 101, 101, 101])
    second = testing.frame([99, 99, 101, 101]).drop(index=testing.frame([1, 2, 3]).index[2])
    bench = testing.Bench(Above(), [AAPL, IBM]).run({AAPL.key: first, IBM.key: second})
    days = [(order.instrument, order.decided_at // DAY - 19723) for order in bench.orders]
    assert days == [(AAPL.key, 1), (IBM.key, 4)]


def test_target_before_the_first_decision_is_zero():
    events = testing.bars(testing.frame([101.0, 102.0, 103.0]), AAPL.key)
    host = host_of(Above())
    host.preload(events[:2])
    made = decide_all(host, events[2:], account())
    assert [intent.side for intent in made] == [Side.BUY]


def test_slice_is_complete_when_every_instrument_has_its_watermark():
    host = host_of(Above(), AAPL, IBM)
    assert host.on_watermark(10, AAPL.key) == ()
    assert host.on_watermark(20, AAPL.key) == ()
    assert host.on_watermark(10, IBM.key) == (10,)
    assert host.on_watermark(10, IBM.key) == ()
    assert host.on_watermark(30, IBM.key) == (20,)
    assert host.on_watermark(30, AAPL.key) == (30,)
    assert host.on_watermark(40, "TEST:OTHER") == ()


def test_decision_uses_no_bar_of_a_later_slice():
    events = testing.bars(testing.frame([99.0, 101.0]), AAPL.key)
    host = host_of(Above())
    for bar in events:
        host.on_bar(bar)
    assert host.decide(events[0].ts, account()) == []
    assert len(host.bars) == 1
    assert len(host.decide(events[1].ts, account())) == 1


def test_redelivered_bar_is_dropped():
    events = testing.bars(testing.frame([99.0, 101.0]), AAPL.key)
    host = host_of(Above())
    decide_all(host, events, account())
    host.on_bar(events[0])
    host.on_bar(events[1])
    host.decide(events[1].ts + DAY, account())
    assert len(host.bars) == 2


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda bars: 1.0, "returned a float"),
        (lambda bars: bars.close.dropna().iloc[1:], "whose index is not that of bars"),
        (lambda bars: bars.close * 0 + 2, "outside"),
        (lambda bars: bars.close.astype(object).map("bar {}".format), "not numbers"),
    ],
)
def test_unusable_target_is_an_error_that_says_why(returned, message):
    class Wrong(Strategy):
        def target(self, bars):
            return returned(bars)

    with pytest.raises(InputError, match=message):
        decide_all(host_of(Wrong()), testing.bars(testing.frame([1.0, 2.0]), AAPL.key), account())


def test_series_for_several_instruments_is_an_error():
    class Wrong(Strategy):
        def target(self, bars):
            return bars.close["AAPL"]

    with pytest.raises(InputError, match="a Series for 2 instruments"):
        decide_all(host_of(Wrong(), AAPL, IBM), testing.bars(testing.frame([1.0]), AAPL.key), account())


def test_portfolio_in_another_currency_is_refused():
    with pytest.raises(InputError, match="trades in USD"):
        host_of(Above()).decide(1, PortfolioView("p", "BTC", D(1)))


def test_exception_of_the_strategy_passes_through():
    class Broken(Strategy):
        def target(self, bars):
            raise ZeroDivisionError("of the strategy")

    with pytest.raises(ZeroDivisionError, match="of the strategy"):
        decide_all(host_of(Broken()), testing.bars(testing.frame([1.0]), AAPL.key), account())


class Trader(Scripted):
    def act(self, context, bar):
        if context.position() == 0 and not context.orders():
            self.order = context.buy(10, limit=bar.close * 0.9, tag="dip")
            self.stop_order = context.buy(10.9, stop=bar.close * 1.1)
        elif context.position() > 0:
            context.cancel_all()
            context.target(0)


def test_events_reach_the_strategy_in_order_and_its_orders_become_intents():
    bench = testing.Bench(Trader(), [AAPL])
    events = testing.bars(testing.frame([100.0, 95.0, 90.0, 91.0]), AAPL.key)
    limit, stop = bench.step(events[:1])
    assert (limit.order_type, limit.limit_price, limit.quantity, limit.tag) == (
        OrderType.LIMIT,
        D("90.00"),
        D(10),
        "dip",
    )
    assert (stop.order_type, stop.stop_price, stop.quantity) == (OrderType.STOP, D("110.00"), D(10))
    assert limit.intent_id != stop.intent_id
    assert bench.step(events[1:2]) == []
    bench.fill(limit, D(90), events[2].ts)
    cancel, close = bench.step(events[2:3])
    assert isinstance(cancel, CancelIntent)
    assert cancel.target_intent_id == stop.intent_id
    assert (close.side, close.quantity) == (Side.SELL, D(20))
    strategy = bench.host.strategy
    assert strategy.told == ["start", "bar AAPL 100", "bar AAPL 95", "fill buy 10 at 90", "bar AAPL 90"]
    bench.host.stop(events[3].ts, bench.portfolio)
    assert strategy.told[-1] == "stop"


def test_partial_fill_leaves_the_rest_working():
    bench = testing.Bench(Trader(), [AAPL])
    events = testing.bars(testing.frame([100.0, 95.0]), AAPL.key)
    limit, _ = bench.step(events[:1])
    bench.fill(limit, D(90), events[0].ts, D(4))
    (order, *_) = bench.host.context.orders("AAPL")
    assert (order.filled, order.remaining) == (D(4), D(6))
    assert bench.host.context.position("AAPL") == 4


def test_restarted_runner_makes_the_same_intents():
    events = testing.bars(testing.frame(100 + np.sin(np.arange(60.0)) * 5), AAPL.key)
    whole, portfolio = host_of(Above()), account()
    expected = decide_all(whole, events, portfolio)
    again = host_of(Above())
    again.recover(
        Past(
            bars=events[:30],
            started_ts=events[0].ts,
            checkpoint_ts=events[29].ts,
            initial=account(),
            orders=_left(expected, events[29].ts),
        )
    )
    assert decide_all(again, events[30:], portfolio) == [
        intent for intent in expected if intent.decided_at > events[29].ts
    ]


def _left(intents, checkpoint):
    return [WorkingOrder.of(intent) for intent in intents if intent.decided_at <= checkpoint]


def test_restarted_event_driven_strategy_remembers_what_it_was_told():
    candles = testing.frame([100.0, 95.0, 90.0, 91.0, 92.0])
    events = testing.bars(candles, AAPL.key)
    bench = testing.Bench(Trader(), [AAPL])
    limit, _ = bench.step(events[:1])
    fill = bench.fill(limit, D(90), events[1].ts)
    bench.step(events[1:2])
    config_ = bench.host.config
    again = StrategyHost(Trader(), config_, bench.clock)
    again.recover(
        Past(
            bars=events,
            started_ts=events[0].ts,
            checkpoint_ts=events[1].ts,
            initial=PortfolioView("bench", "USD", D(100_000)),
            fills=[fill],
            orders=bench.host.context.orders(),
        )
    )
    assert again.strategy.told == bench.host.strategy.told
    assert again.context.orders() == bench.host.context.orders()
    again.on_fill(fill)
    again.on_bar(events[2])
    bench.host.on_bar(events[2])
    assert again.decide(events[2].ts, bench.portfolio) == bench.host.decide(events[2].ts, bench.portfolio)


class Requoting(Scripted):
    """Cancels what it has at every bar and asks anew; remembers the ids."""

    def act(self, context, bar):
        self.cancelled = [*getattr(self, "cancelled", []), context.cancel_all()]
        self.order = context.buy(1, limit=bar.close / 2)


def test_restarted_strategy_that_cancels_at_every_bar_holds_the_same_ids():
    events = testing.bars(testing.frame([100.0, 95.0, 90.0, 91.0]), AAPL.key)
    bench = testing.Bench(Requoting(), [AAPL])
    for bar in events[:3]:
        bench.step([bar])
    again = StrategyHost(Requoting(), bench.host.config, bench.clock)
    again.recover(
        Past(
            bars=events[:3],
            started_ts=events[0].ts,
            checkpoint_ts=events[2].ts,
            initial=PortfolioView("bench", "USD", D(100_000)),
            orders=bench.host.context.orders(),
        )
    )
    assert again.strategy.cancelled == bench.host.strategy.cancelled == [0, 1, 1]
    assert again.strategy.order == bench.host.strategy.order
    again.on_bar(events[3])
    bench.host.on_bar(events[3])
    assert again.decide(events[3].ts, bench.portfolio) == bench.host.decide(events[3].ts, bench.portfolio)


def test_quote_reaches_only_a_strategy_that_listens():
    class Quoter(Strategy):
        def on_quote(self, context, quote):
            context.buy(1, limit=quote.bid)

    quote = Quote(
        event_id="q", occurred_at=5, instrument=AAPL.key, ts=5, bid=D(99), ask=D(101), bid_size=D(1), ask_size=D(1)
    )
    (intent,) = host_of(Quoter()).on_quote(quote, account())
    assert (intent.limit_price, intent.reference_price, intent.decided_at) == (D(99), D(100), 5)
    assert host_of(Above()).on_quote(quote, account()) == []
    assert host_of(Quoter(), IBM).on_quote(quote, account()) == []


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda context: context.buy(-1), "not positive"),
        (lambda context: context.buy(1, limit=0), "limit 0 is not positive"),
        (lambda context: context.buy("many"), "not a number"),
        (lambda context: context.buy(1, "APPL"), "'APPL' is not an instrument"),
        (lambda context: context.target(1.5), "outside"),
    ],
)
def test_unusable_order_is_an_error_that_says_why(action, message):
    class Wrong(Scripted):
        def act(self, context, bar):
            action(context)

    with pytest.raises(InputError, match=message):
        decide_all(host_of(Wrong()), testing.bars(testing.frame([1.0]), AAPL.key), account())


def test_quantity_below_the_lot_makes_no_order():
    class Small(Scripted):
        def act(self, context, bar):
            assert context.buy(0.5) is None
            assert context.cancel(None) is False

    assert decide_all(host_of(Small()), testing.bars(testing.frame([1.0]), AAPL.key), account()) == []


def test_context_shows_market_and_account():
    class Looker(Scripted):
        def act(self, context, bar):
            self.seen = (context.equity, context.cash, context.quantity(0.5, "IBM"), str(context.now))
            self.history = context.history(2, "IBM").close.tolist()
            self.shape = context.bars.shape

    host = host_of(Looker(), AAPL, IBM)
    events = testing.bars(testing.frame([10, 20, 30.0]), AAPL.key) + testing.bars(testing.frame([5, 6, 7.0]), IBM.key)
    decide_all(host, events, account(1000))
    assert host.strategy.seen == (1000.0, 1000.0, 71.0, "2024-01-04 00:00:00+00:00")
    assert host.strategy.history == [6.0, 7.0]
    assert host.strategy.shape == (3, 10)
