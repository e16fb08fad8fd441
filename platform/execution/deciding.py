"""From an intent to a journalled order, or to a rejection: inbox, both stages of risk, the executor's check."""

import hashlib

import msgspec

from ..contracts.codec import encode
from ..contracts.enums import OrderState, RejectCode, ScopeKind
from ..contracts.events import CancelIntent, OrderIntent
from ..contracts.ids import digest, order_id
from ..risk.day import RiskDay
from ..risk.engine import Breach, Decision, RiskEngine
from ..risk.reservations import Reservations
from ..risk.rules.base import deployment_breach
from ..risk.rules.stale_runner import StaleRunner
from ..risk.view import InstrumentView, PortfolioView
from . import announce
from .effects import Effects
from .order import Order
from .rows import IntentRecord
from .state import DAY_NS, TradingState

STALE_RUNNER = StaleRunner()
_ENVELOPE = {"event_id": "", "occurred_at": 0, "trace_id": "", "epoch": 0, "decided_at": 0, "expires_at": 0}


def content_digest(intent: OrderIntent | CancelIntent) -> str:
    """What two deliveries of one intent share: all but the envelope, the runner's epoch and the times it was made at.

    A restarted runner makes the same intent later, under a new epoch.
    """
    return hashlib.sha256(encode(msgspec.structs.replace(intent, **_ENVELOPE))).hexdigest()[:32]


def on_intent(
    state: TradingState, engine: RiskEngine, intent: OrderIntent | CancelIntent, wall: int, payload: bytes | None
) -> Effects:
    """Decide an intent. A redelivered one gives nothing new; the same id with other content is a rejection."""
    effects = Effects()
    content = content_digest(intent)
    known = state.inbox.get(intent.intent_id)
    now = state.session(intent.session).now(wall)
    if known == content:
        return effects
    if known is not None:
        decision_id = digest("decision", intent.intent_id, content)
        announce.rejected(effects, intent, _duplicate(intent), 1, decision_id=decision_id, now=now, wall=wall)
        return effects
    stale = _stale(state, intent, now)
    if stale is not None:
        # The id stays free: the runner that took over makes the same intent again.
        decision_id = digest("decision", intent.intent_id, "epoch", intent.epoch)
        announce.rejected(effects, intent, stale, 1, decision_id=decision_id, now=now, wall=wall)
        return effects
    state.inbox.put(intent.intent_id, content)
    effects.intents.append(_inbox_row(intent, content, wall, payload))
    if isinstance(intent, CancelIntent):
        _cancel(state, engine, intent, effects, now=now, wall=wall)
    else:
        _decide(state, engine, intent, effects, now=now, wall=wall)
    return effects


def _decide(
    state: TradingState, engine: RiskEngine, intent: OrderIntent, effects: Effects, *, now: int, wall: int
) -> None:
    deployment = state.deployments.get(intent.deployment_id)
    risk = deployment.risk if deployment is not None else None
    market = state.market(intent.session, intent.instrument)
    recent = state.session(intent.session).recent
    view = InstrumentView(
        now=now, deployment=risk, market=market.risk if market else None, halts=state.halts, recent=recent
    )
    decision = engine.instrument_stage(intent, view)
    if not decision.approved:
        _reject(state, intent, decision, effects, now=now, wall=wall)
        return
    recent.remember(intent, now)
    begin_day(state, intent.portfolio_id, effects, now=now)
    portfolio = _portfolio_view(state, intent, now)
    portfolio.reference_price = decision.reference_price
    decision = engine.portfolio_stage(intent, portfolio)
    if not decision.approved:
        _reject(state, intent, decision, effects, now=now, wall=wall)
        return
    _journal_order(state, engine, intent, decision, portfolio, effects, wall=wall)


def _journal_order(
    state: TradingState,
    engine: RiskEngine,
    intent: OrderIntent,
    decision: Decision,
    view: PortfolioView,
    effects: Effects,
    *,
    wall: int,
) -> None:
    now = view.now
    order = Order.from_intent(intent, ts=now, reserved=decision.reserved)
    state.put_order(order)
    last = engine.before_send(intent, view)
    if not last.approved:
        order.deny(last.breach.message, ts=now)
        state.put_order(order)
        _reject(state, intent, last, effects, now=now, wall=wall)
        return
    order.submit(ts=now, wall=wall)
    announce.approved(effects, intent, order, now=now, wall=wall)
    announce.order_created(effects, order)
    effects.sends.append(order)


def begin_day(state: TradingState, portfolio_id: str, effects: Effects, *, now: int) -> None:
    """Let the account's risk day begin if ``now`` is in a new one."""
    account = state.accounts.get(portfolio_id)
    if account is not None and now // DAY_NS > account.day.day and account.day.roll(now, account.ledger.equity()):
        announce.latched(effects, ScopeKind.PORTFOLIO, account.portfolio_id, "day", account.day.to_value(), now)


def _cancel(
    state: TradingState, engine: RiskEngine, intent: CancelIntent, effects: Effects, *, now: int, wall: int
) -> None:
    decision = engine.cancel(intent, _portfolio_view(state, intent, now))
    if not decision.approved:
        _reject(state, intent, decision, effects, now=now, wall=wall)
        return
    order = state.orders.get(order_id(intent.target_intent_id))
    if order is not None and order.deployment_id == intent.deployment_id:
        reason = "asked for by the strategy"
        request_cancel(state, order, reason, effects, wall=wall, decided_at=intent.decided_at)


def request_cancel(
    state: TradingState, order: Order, reason: str, effects: Effects, *, wall: int, decided_at: int = 0
) -> None:
    """Ask the venue to cancel a working order; one that was not handed to it yet (``submitted``) is withdrawn.

    One of unknown outcome is left to its query, and one that is being canceled to the venue's answer. ``decided_at`` is
    when the order's own strategy decided it.
    """
    now = state.session(order.session).now(wall)
    if order.state is OrderState.SUBMITTED:
        order.cancel(reason, ts=now)
    elif order.state.terminal or order.state is OrderState.UNKNOWN or not order.request_cancel(ts=now):
        return
    else:
        order.reason = reason
        effects.cancels.append(order)
    order.cancel_decided_at = decided_at
    state.put_order(order)
    announce.order_changed(effects, order, wall=wall)


def _reject(
    state: TradingState,
    intent: OrderIntent | CancelIntent,
    decision: Decision,
    effects: Effects,
    *,
    now: int,
    wall: int,
) -> None:
    breach = decision.breach
    announce.rejected(effects, intent, breach, decision.stage, decision_id=intent.intent_id, now=now, wall=wall)
    account = state.accounts.get(intent.portfolio_id)
    if breach.trips_day and account is not None and account.day.trip(intent.deployment_id):
        announce.latched(effects, ScopeKind.PORTFOLIO, account.portfolio_id, "day", account.day.to_value(), now)
        announce.alert(
            effects,
            breach.code.value,
            breach.message,
            deployment_id=intent.deployment_id,
            cause=intent.intent_id,
            wall=wall,
        )


def _portfolio_view(state: TradingState, intent: OrderIntent | CancelIntent, now: int) -> PortfolioView:
    deployment = state.deployments.get(intent.deployment_id)
    account = state.accounts.get(intent.portfolio_id)
    return PortfolioView(
        now=now,
        deployment=deployment.risk if deployment is not None else None,
        ledger=account.ledger if account is not None else None,
        reservations=account.reservations if account is not None else Reservations(),
        day=account.day if account is not None else RiskDay(),
        halts=state.halts,
    )


def _stale(state: TradingState, intent: OrderIntent | CancelIntent, now: int) -> Breach | None:
    """Whether a runner that was replaced makes the intent; an unknown deployment is for the stages to refuse."""
    view = _portfolio_view(state, intent, now)
    return None if view.deployment is None else STALE_RUNNER.check(intent, view)


def _duplicate(intent: OrderIntent | CancelIntent) -> Breach:
    message = "this intent id was used before with other content; the first one stands"
    return deployment_breach(intent, RejectCode.DUPLICATE_INTENT, message, observed=intent.intent_id)


def _inbox_row(intent: OrderIntent | CancelIntent, content: str, wall: int, payload: bytes | None) -> IntentRecord:
    return IntentRecord(
        intent_id=intent.intent_id,
        deployment_id=intent.deployment_id,
        portfolio_id=intent.portfolio_id,
        instrument=intent.instrument,
        session=intent.session,
        digest=content,
        payload=payload if payload is not None else encode(intent),
        decided_at=intent.decided_at,
        received_at=wall,
    )
