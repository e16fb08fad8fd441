"""The trading core with the paper book, without a service."""

from decimal import Decimal

import pytest
from support.trading import CAPITAL, DAY, DEPLOYMENT, INSTRUMENT, KEY, PORTFOLIO, SESSION, cancel, order, slice_of

from millstream.contracts.enums import HaltState, Liquidity, OrderState, OrderType, RejectCode, ScopeKind, Side
from millstream.contracts.events import (
    CancelOrders,
    DeadLetter,
    OrderFilled,
    OrderUpdated,
    PortfolioUpdated,
    TradeApproved,
    TradeRejected,
)
from millstream.contracts.ids import order_id
from millstream.execution.core import TradingCore
from millstream.execution.in_process import InProcessTrading, paper_account
from millstream.execution.intake import Poison
from millstream.execution.venues.base import Accepted, NotFound, Rejected, Unknown, VenueFill
from millstream.risk.limits import RiskLimits, paper_defaults
from millstream.risk.view import DeploymentState


def account(limits: RiskLimits | None = None, **fields):
    deployment = DeploymentState(
        deployment_id=DEPLOYMENT,
        portfolio_id=PORTFOLIO,
        session=SESSION,
        epoch=1,
        instruments=frozenset([KEY]),
        limits=limits or paper_defaults(CAPITAL),
    )
    return paper_account([INSTRUMENT], deployment, capital=CAPITAL, currency="USD", **fields)


@pytest.fixture
def trading():
    market = InProcessTrading(account())
    play(market, 10, (100, 101, 99, 100))
    return market


def play(market, day, prices):
    return [item for event in slice_of(day, prices) for item in market.market(event)]


def kinds(events):
    return [type(event) for event in events]


def test_an_order_decided_at_a_close_executes_at_the_next_open_and_tells_it_in_order(trading):
    assert kinds(trading.intent(order(11, Side.BUY, 10))) == [TradeApproved, OrderUpdated]
    events = play(trading, 11, (102, 103, 101, 103))
    assert kinds(events) == [OrderFilled, OrderUpdated, PortfolioUpdated, PortfolioUpdated]
    assert (events[0].price, events[0].ts, events[0].fee) == (Decimal(102), 11 * DAY, Decimal("1.02"))
    assert events[-1].equity == CAPITAL + 10 - Decimal("1.02")


def test_a_redelivered_market_event_is_dropped_by_its_sequence(trading):
    trading.intent(order(11, Side.BUY, 10))
    play(trading, 11, (102, 103, 101, 103))
    assert play(trading, 11, (102, 103, 101, 103)) == []


def test_a_redelivered_intent_gives_nothing_new_even_under_a_new_epoch(trading):
    trading.intent(order(11, Side.BUY, 10))
    assert trading.intent(order(11, Side.BUY, 10)) == []
    assert trading.intent(order(11, Side.BUY, 10, epoch=2)) == []


def test_the_same_intent_id_with_other_content_is_rejected_every_time_under_one_event_id(trading):
    trading.intent(order(11, Side.BUY, 10))
    first, second = (trading.intent(order(11, Side.BUY, 12)) for _ in range(2))
    assert first[0].code is RejectCode.DUPLICATE_INTENT
    assert first[0].event_id == second[0].event_id


def test_a_runner_that_was_replaced_cannot_trade(trading):
    (rejected,) = trading.intent(order(11, Side.BUY, 10, epoch=0))
    assert rejected.code is RejectCode.STALE_RUNNER


def test_an_intent_of_a_replaced_runner_leaves_its_id_to_the_runner_that_took_over(trading):
    trading.intent(order(11, Side.BUY, 10, epoch=0))
    assert kinds(trading.intent(order(11, Side.BUY, 10)))[0] is TradeApproved


def test_an_unknown_deployment_is_denied(trading):
    (rejected,) = trading.intent(order(11, Side.BUY, 10, deployment="other"))
    assert (rejected.code, rejected.stage) == (RejectCode.UNKNOWN_ACCOUNT, 1)


def test_working_orders_count_before_the_next_intent_of_the_same_read():
    market = InProcessTrading(
        account(RiskLimits(**{**as_fields(paper_defaults(CAPITAL)), "max_position_qty": Decimal(15)}))
    )
    play(market, 10, (100, 101, 99, 100))
    assert kinds(market.intent(order(11, Side.BUY, 10)))[0] is TradeApproved
    (rejected,) = market.intent(order(11, Side.BUY, 10, sequence=1))
    assert rejected.code is RejectCode.MAX_POSITION


def as_fields(limits):
    return {name: getattr(limits, name) for name in limits.__struct_fields__}


def test_a_cancel_intent_ends_a_resting_order(trading):
    resting = order(11, Side.BUY, 10, order_type=OrderType.LIMIT, limit_price=Decimal(90))
    trading.intent(resting)
    updates = [event.state for event in trading.intent(cancel(11, resting))]
    assert updates == [OrderState.PENDING_CANCEL, OrderState.CANCELED]
    assert play(trading, 11, (95, 96, 80, 85))[0].__class__ is PortfolioUpdated


def test_a_halt_cancels_what_works_and_denies_what_comes(trading):
    resting = order(11, Side.BUY, 10, order_type=OrderType.LIMIT, limit_price=Decimal(90))
    trading.intent(resting)
    effects = trading.core.on_halts({(ScopeKind.GLOBAL, ""): HaltState.HALTED}, 0)
    assert [item.order_id for item in effects.cancels] == [order_id(resting.intent_id)]
    (rejected,) = trading.intent(order(11, Side.BUY, 1, sequence=1))
    assert rejected.code is RejectCode.HALTED


def test_reduce_only_cancels_what_would_open_and_keeps_what_closes(trading):
    trading.intent(order(11, Side.BUY, 10))
    play(trading, 11, (102, 103, 101, 103))
    opening = order(12, Side.BUY, 1, order_type=OrderType.LIMIT, limit_price=Decimal(90))
    closing = order(12, Side.SELL, 10, sequence=1, order_type=OrderType.LIMIT, limit_price=Decimal(120))
    trading.intent(opening)
    trading.intent(closing)
    effects = trading.core.on_halts({(ScopeKind.PORTFOLIO, PORTFOLIO): HaltState.REDUCE_ONLY}, 0)
    assert [item.intent_id for item in effects.cancels] == [opening.intent_id]


def test_an_operator_cancels_a_scope(trading):
    trading.intent(order(11, Side.BUY, 10, order_type=OrderType.LIMIT, limit_price=Decimal(90)))
    command = CancelOrders(
        event_id="1", occurred_at=0, scope=ScopeKind.DEPLOYMENT, scope_id=DEPLOYMENT, actor="me", reason="lost lease"
    )
    assert len(trading.core.on_control(command, 0).cancels) == 1


def test_an_operator_cancels_only_the_orders_that_are_named(trading):
    kept, named = (
        order(11, Side.BUY, 10, sequence=number, order_type=OrderType.LIMIT, limit_price=Decimal(90 - number))
        for number in range(2)
    )
    trading.intent(kept)
    trading.intent(named)
    command = CancelOrders(
        event_id="1",
        occurred_at=0,
        scope=ScopeKind.DEPLOYMENT,
        scope_id=DEPLOYMENT,
        actor="me",
        reason="by hand",
        orders=(order_id(named.intent_id),),
    )
    effects = trading.core.on_control(command, 0)
    assert [one.intent_id for one in effects.cancels] == [named.intent_id]
    assert effects.cancels[0].cancel_decided_at == 0


def test_event_ids_derive_from_the_cause_alone():
    def ids():
        market = InProcessTrading(account())
        play(market, 10, (100, 101, 99, 100))
        events = market.intent(order(11, Side.BUY, 10, stop_loss=Decimal("0.05")))
        return [event.event_id for event in events + play(market, 11, (102, 103, 90, 103))]

    first = ids()
    assert first == ids()
    assert len(set(first)) == len(first)


def test_an_order_of_unknown_outcome_is_sent_again_only_on_proof_and_keeps_its_reservation(trading):
    core = TradingCore(trading.core.state)
    effects = core.on_intent(order(11, Side.BUY, 10), 1)
    (sent,) = effects.sends
    core.on_submitted(sent, Unknown("timeout"), journalled=1, wall=2)
    assert sent.state is OrderState.UNKNOWN
    assert core.state.accounts[PORTFOLIO].reservations.buying(KEY) == 10
    assert core.on_fetched(sent, Unknown("still"), 3).sends == []
    assert core.on_fetched(sent, NotFound(proof=False), 3).sends == []
    assert core.on_fetched(sent, NotFound(proof=True), 3).sends == [sent]
    assert (sent.state, sent.attempt) == (OrderState.SUBMITTED, 1)
    core.on_submitted(sent, Accepted("v", 11 * DAY), journalled=3, wall=4)
    assert sent.state is OrderState.ACCEPTED


def test_an_expired_order_is_not_sent_again(trading):
    core = TradingCore(trading.core.state)
    (sent,) = core.on_intent(order(11, Side.BUY, 10), 1).sends
    core.lose_submitted(2)
    for event in slice_of(14, (100, 100, 100, 100)):
        core.on_market(event, 3)
    assert core.on_fetched(sent, NotFound(proof=True), 3).sends == []
    assert sent.state is OrderState.REJECTED
    assert core.state.accounts[PORTFOLIO].reservations.buying(KEY) == 0


def test_a_venue_rejection_releases_the_reservation_and_is_told(trading):
    core = TradingCore(trading.core.state)
    (sent,) = core.on_intent(order(11, Side.BUY, 10), 1).sends
    effects = core.on_submitted(sent, Rejected("no funds"), journalled=1, wall=2)
    assert effects.events[-1].event.state is OrderState.REJECTED
    assert core.state.accounts[PORTFOLIO].reservations.buying(KEY) == 0


def venue_fill(sent, quantity, price="100", trade="t1"):
    return VenueFill(
        client_order_id=sent.client_order_id,
        order_id=sent.order_id,
        ts=11 * DAY,
        venue="paper",
        account=PORTFOLIO,
        trade_id=trade,
        instrument=KEY,
        side=sent.side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(0),
        fee_currency="USD",
        liquidity=Liquidity.TAKER,
    )


@pytest.fixture
def working(trading):
    core = TradingCore(trading.core.state)
    (sent,) = core.on_intent(order(11, Side.BUY, 10), 1).sends
    core.on_submitted(sent, Accepted("v", 11 * DAY), journalled=1, wall=2)
    return core, sent


def test_a_repeated_fill_is_booked_once_and_one_with_other_numbers_halts_the_deployment(working):
    core, sent = working
    assert len(core.on_venue(venue_fill(sent, 4), 3).fills) == 1
    assert core.on_venue(venue_fill(sent, 4), 3).fills == []
    effects = core.on_venue(venue_fill(sent, 5), 3)
    assert effects.fills == []
    assert list(effects.halts) == [("deployment", DEPLOYMENT)]
    assert core.state.accounts[PORTFOLIO].ledger.quantity(KEY) == 4


def test_an_overfill_is_booked_and_halts_the_deployment(working):
    core, sent = working
    effects = core.on_venue(venue_fill(sent, 11), 3)
    assert len(effects.fills) == 1
    assert list(effects.halts) == [("deployment", DEPLOYMENT)]
    assert core.on_intent(order(11, Side.BUY, 1, sequence=5), 4).events[0].event.code is RejectCode.HALTED


def test_a_late_fill_reaches_the_ledger_flagged(working):
    core, sent = working
    core.on_venue(venue_fill(sent, 10), 3)
    (late,) = core.on_venue(venue_fill(sent, 1, trade="t2"), 4).fills
    assert late.late
    assert core.state.accounts[PORTFOLIO].ledger.quantity(KEY) == 11


def test_poison_is_dead_lettered_and_halts_only_a_deployment_that_exists(trading):
    letter = DeadLetter(
        event_id="1",
        occurred_at=0,
        topic="orders.intents",
        partition=0,
        offset=1,
        source="trading",
        reason="r",
        payload="",
    )
    assert trading.core.on_poison(Poison(letter, "nobody"), 1).halts == {}
    assert list(trading.core.on_poison(Poison(letter, DEPLOYMENT), 1).halts) == [("deployment", DEPLOYMENT)]


def test_a_daily_loss_trips_a_latch_that_is_written_and_alerted():
    limits = RiskLimits(**{**as_fields(paper_defaults(CAPITAL)), "daily_loss": Decimal(50)})
    market = InProcessTrading(account(limits))
    play(market, 10, (100, 101, 99, 100))
    market.intent(order(11, Side.BUY, 10))
    play(market, 11, (100, 100, 90, 90))
    effects = market.core.on_intent(order(12, Side.BUY, 1, decided_at=12 * DAY - 1), 1)
    rejected = effects.events[0].event
    assert isinstance(rejected, TradeRejected)
    assert rejected.code is RejectCode.DAILY_LOSS
    assert list(effects.latches) == [("portfolio", PORTFOLIO, "day")]


def test_an_order_canceled_before_it_was_handed_to_the_venue_is_withdrawn(trading):
    wanted = order(11, Side.BUY, 10)
    effects = trading.core.on_intent(wanted, 1)
    effects.add(trading.core.on_intent(cancel(11, wanted), 1))
    assert effects.cancels == []
    assert [item.state for item in effects.sends] == [OrderState.CANCELED]
    assert effects.changes[order_id(wanted.intent_id)].state == "canceled"
