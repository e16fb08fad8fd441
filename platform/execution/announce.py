"""Rows and events of what happened. Event ids derive from the fact alone: told twice, it is the same event."""

from decimal import Decimal

from ..contracts import topics
from ..contracts.enums import HaltState, OrderState, ScopeKind
from ..contracts.events import (
    AlertRaised,
    CancelIntent,
    OrderFilled,
    OrderIntent,
    TradeApproved,
    TradeRejected,
)
from ..contracts.ids import digest
from ..contracts.time import to_datetime
from ..risk.engine import Breach
from .effects import Effects, Emitted
from .order import Order
from .rows import (
    AuditRecord,
    CashRecord,
    DecisionRecord,
    EquityRecord,
    FillRecord,
    HaltRecord,
    LatchRecord,
    MarkRecord,
    OrderChange,
    OrderRecord,
    PortfolioChange,
    PositionRecord,
)
from .state import Account, Market
from .venues.base import VenueFill

ACTOR = "trading-service"


def approved(effects: Effects, intent: OrderIntent, order: Order, *, now: int, wall: int) -> None:
    """Row and event of an approval; ``now`` is session time."""
    effects.decisions[intent.intent_id] = DecisionRecord(
        decision_id=intent.intent_id,
        intent_id=intent.intent_id,
        deployment_id=intent.deployment_id,
        portfolio_id=intent.portfolio_id,
        instrument=intent.instrument,
        approved=True,
        stage=2,
        code="",
        scope="",
        observed="",
        limit_value="",
        message="",
        ts=now,
        decided_wall=wall,
    )
    event = TradeApproved(
        event_id=digest("approved", intent.intent_id),
        occurred_at=wall,
        trace_id=intent.trace_id,
        intent=intent,
        order_id=order.order_id,
        reserved_notional=order.reserved,
    )
    effects.events.append(Emitted(topics.TRADES_APPROVED, intent.portfolio_id, event))


def rejected(
    effects: Effects,
    intent: OrderIntent | CancelIntent,
    breach: Breach,
    stage: int,
    *,
    decision_id: str,
    now: int,
    wall: int,
) -> None:
    """Row and event of a rejection; ``decision_id`` is its own where one intent id is rejected again."""
    effects.decisions[decision_id] = DecisionRecord(
        decision_id=decision_id,
        intent_id=intent.intent_id,
        deployment_id=intent.deployment_id,
        portfolio_id=intent.portfolio_id,
        instrument=intent.instrument,
        approved=False,
        stage=stage,
        code=breach.code.value,
        scope=f"{breach.scope.value}:{breach.scope_id}",
        observed=breach.observed,
        limit_value=breach.limit,
        message=breach.message,
        ts=now,
        decided_wall=wall,
    )
    event = TradeRejected(
        event_id=digest("rejected", decision_id),
        occurred_at=wall,
        trace_id=intent.trace_id,
        intent_id=intent.intent_id,
        deployment_id=intent.deployment_id,
        portfolio_id=intent.portfolio_id,
        instrument=intent.instrument,
        code=breach.code,
        stage=stage,
        scope=breach.scope,
        observed=breach.observed,
        limit=breach.limit,
        message=breach.message,
        ts=now,
        session=intent.session,
    )
    effects.events.append(Emitted(topics.TRADES_REJECTED, intent.portfolio_id, event))


def order_created(effects: Effects, order: Order) -> None:
    """The journal's row of a new order. Nothing is published before the venue has answered: the approval was."""
    effects.orders[order.order_id] = OrderRecord(
        **{
            name: getattr(order, name)
            for name in OrderRecord._fields
            if name not in {"side", "order_type", "time_in_force", "state", "previous_state"}
        },
        side=order.side.value,
        order_type=order.order_type.value,
        time_in_force=order.time_in_force.value,
        state=order.state.value,
        previous_state=order.previous_state.value,
    )


def order_changed(effects: Effects, order: Order, *, wall: int) -> None:
    """The row of an order after a transition, and its event; a send on its way (``submitted``) is not told."""
    effects.changes[order.order_id] = OrderChange(
        order.order_id,
        order.client_order_id,
        order.venue_order_id,
        order.attempt,
        order.filled,
        order.average_price,
        order.state.value,
        order.previous_state.value,
        order.version,
        order.reason,
        order.reserved,
        order.cancel_decided_at,
        order.updated_ts,
        order.journalled_wall,
        order.acked_wall,
    )
    if order.state is OrderState.SUBMITTED:
        return
    event = order.updated(
        event_id=digest("order", order.order_id, order.version), occurred_at=wall, trace_id=order.intent_id
    )
    effects.events.append(Emitted(topics.ORDERS_PLACED, order.portfolio_id, event))


def filled(
    effects: Effects, order: Order, fill: VenueFill, account: Account, *, realized: Decimal, late: bool, wall: int
) -> None:
    """Row and event of an execution, and the rows of the account after it."""
    ledger = account.ledger
    event = OrderFilled(
        event_id=digest("fill", fill.venue, fill.account, fill.trade_id),
        occurred_at=wall,
        trace_id=order.intent_id,
        trade_id=fill.trade_id,
        venue=fill.venue,
        account=fill.account,
        order_id=order.order_id,
        intent_id=order.intent_id,
        deployment_id=order.deployment_id,
        portfolio_id=order.portfolio_id,
        instrument=order.instrument,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        liquidity=fill.liquidity,
        ts=fill.ts,
        realized_pnl=realized,
        portfolio_version=ledger.version,
        leg=order.leg,
        late=late,
        session=order.session,
    )
    effects.events.append(Emitted(topics.ORDERS_FILLS, order.portfolio_id, event))
    effects.fills.append(_fill_record(event))


def _fill_record(event: OrderFilled) -> FillRecord:
    return FillRecord(
        venue=event.venue,
        account=event.account,
        trade_id=event.trade_id,
        order_id=event.order_id,
        intent_id=event.intent_id,
        deployment_id=event.deployment_id,
        portfolio_id=event.portfolio_id,
        instrument=event.instrument,
        session=event.session,
        side=event.side.value,
        quantity=event.quantity,
        price=event.price,
        fee=event.fee,
        fee_currency=event.fee_currency,
        liquidity=event.liquidity.value,
        realized_pnl=event.realized_pnl,
        leg=event.leg,
        late=event.late,
        ts=event.ts,
        portfolio_version=event.portfolio_version,
    )


def account_changed(effects: Effects, account: Account, instrument: str, *, ts: int, wall: int) -> None:
    """Rows and event of an account after its cash or a position changed."""
    ledger = account.ledger
    key = account.portfolio_id
    held = ledger.positions[instrument]
    effects.positions[key, instrument] = PositionRecord(
        key, instrument, held.quantity, held.average_price, held.realized_pnl, held.fees, held.currency, held.updated_ts
    )
    for currency, amount in ledger.cash.items():
        effects.cash[key, currency] = CashRecord(key, currency, amount)
    effects.portfolios[key] = PortfolioChange(key, ledger.version)
    _portfolio(effects, account, digest("portfolio", key, ledger.version), ts, wall)


def slice_closed(effects: Effects, account: Account, ts: int, *, wall: int) -> None:
    """The account at the close of a slice, for those who follow it."""
    _portfolio(effects, account, digest("portfolio", account.portfolio_id, account.ledger.version, ts), ts, wall)


def equity_at(effects: Effects, account: Account, ts: int) -> None:
    """The equity row of the slice that closed at ``ts``."""
    ledger = account.ledger
    moment = to_datetime(ts)
    convert = ledger.rates.convert
    effects.equity[account.portfolio_id, moment] = EquityRecord(
        account.portfolio_id,
        moment,
        ledger.equity(),
        sum((convert(amount, name) for name, amount in ledger.cash.items()), start=Decimal(0)),
        ledger.realized_pnl(),
        ledger.unrealized_pnl(),
        ledger.total_fees(),
    )


def _portfolio(effects: Effects, account: Account, event_id: str, ts: int, wall: int) -> None:
    event = account.ledger.view(ts, event_id=event_id, occurred_at=wall, session=account.session)
    effects.events.append(Emitted(topics.PORTFOLIO_UPDATED, account.portfolio_id, event))


def marked(effects: Effects, session: str, instrument: str, market: Market, *, wall: int) -> None:
    """The newest price of an instrument in a session, so that the view survives a restart."""
    risk = market.risk
    if risk.mark is not None:
        effects.marks[session, instrument] = MarkRecord(
            session, instrument, risk.mark, risk.bid, risk.ask, risk.previous_mark, risk.mark_ts, wall, market.sequence
        )


def latched(effects: Effects, scope: ScopeKind, scope_id: str, name: str, value: dict[str, object], ts: int) -> None:
    """A small fact that has to survive a restart."""
    effects.latches[scope.value, scope_id, name] = LatchRecord(scope.value, scope_id, name, value, ts)


def alert(effects: Effects, code: str, message: str, *, deployment_id: str = "", cause: str, wall: int) -> None:
    """Something a person has to see; ``cause`` makes the id."""
    event = AlertRaised(
        event_id=digest("alert", code, cause),
        occurred_at=wall,
        source=ACTOR,
        severity="critical",
        code=code,
        message=message,
        scope=ScopeKind.DEPLOYMENT if deployment_id else ScopeKind.GLOBAL,
        scope_id=deployment_id,
    )
    effects.events.append(Emitted(topics.ALERTS, ACTOR, event))


def halted(effects: Effects, deployment_id: str, reason: str, *, wall: int) -> None:
    """The kill switch of a deployment, pulled by the trading service itself, with its audit row."""
    at = to_datetime(wall)
    scope, state = ScopeKind.DEPLOYMENT.value, HaltState.HALTED.value
    effects.halts[scope, deployment_id] = HaltRecord(scope, deployment_id, state, ACTOR, reason, at)
    effects.audit.append(AuditRecord(at, ACTOR, f"halt.{state}", f"{scope}:{deployment_id}", {"reason": reason}))
