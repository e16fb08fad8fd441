"""What the venue says: acknowledgements, fills, cancels; into the order, the ledger, the protection and the events."""

from collections.abc import Iterable
from decimal import Decimal
from typing import assert_never

from ..contracts.enums import HaltState, OrderState, ScopeKind
from ..contracts.errors import IntegrityError
from ..contracts.ids import order_id
from ..portfolio.ledger import Fill
from ..risk.halts import Halt
from . import announce
from .deciding import request_cancel
from .effects import Effects
from .order import Order
from .protection import Bracket, bracket_after, leg_name, order_of, stands, wanted_legs
from .state import Account, TradingState
from .venues.base import (
    Accepted,
    Canceled,
    CancelRefused,
    CancelResult,
    FetchResult,
    NotFound,
    Rejected,
    SubmitResult,
    Unknown,
    VenueAccepted,
    VenueCanceled,
    VenueEvent,
    VenueExpired,
    VenueFill,
    VenueOrder,
    VenueRejected,
    VenueTriggered,
)


def on_submitted(state: TradingState, order: Order, result: SubmitResult, *, journalled: int, wall: int) -> Effects:
    """The venue's answer to a send; ``journalled`` is the wall time at which the journal's commit had returned."""
    effects = Effects()
    now = state.session(order.session).now(wall)
    order.journalled_wall = journalled
    match result:
        case Accepted(venue_order_id, ts):
            order.accept(venue_order_id, ts=ts, wall=wall)
        case Rejected(reason):
            order.reject(reason, ts=now, wall=wall)
        case Unknown(reason):
            order.lose(reason, ts=now)
            announce.alert(effects, "ORDER_UNKNOWN", reason, cause=f"{order.order_id}/{order.version}", wall=wall)
    _changed(state, order, effects, wall)
    return effects


def on_canceled(state: TradingState, order: Order, result: CancelResult, *, wall: int) -> Effects:
    """The venue's answer to a cancel."""
    effects = Effects()
    now = state.session(order.session).now(wall)
    match result:
        case Canceled(ts):
            changed = order.cancel("", ts=ts)
        case CancelRefused(reason):
            changed = order.refuse_cancel(reason, ts=now)
        case Unknown(reason):
            changed = order.lose(reason, ts=now)
        case _:
            assert_never(result)
    if changed:
        _changed(state, order, effects, wall)
    return effects


def on_fetched(state: TradingState, order: Order, result: FetchResult, *, wall: int) -> Effects:
    """The venue's answer to a query about an order of unknown outcome.

    It is taken over; on proof of non-acceptance the order is sent again while it may be, and ended when it may not.
    """
    effects = Effects()
    now = state.session(order.session).now(wall)
    match result:
        case VenueOrder(venue_order_id=venue_order_id):
            order.accept(venue_order_id, ts=now, wall=wall)
            _changed(state, order, effects, wall)
        case NotFound(proof=True):
            _not_accepted(state, order, effects, now, wall)
        case _:
            pass
    return effects


def on_venue(state: TradingState, event: VenueEvent, *, wall: int) -> Effects:
    """Something the venue says on its own. News about an order nobody knows is alerted."""
    effects = Effects()
    order = state.orders.get(event.order_id)
    if order is None:
        cause = f"{event.order_id}/{event.ts}"
        announce.alert(
            effects, "FOREIGN_ORDER", f"the venue reports an unknown order {event.order_id}", cause=cause, wall=wall
        )
        return effects
    try:
        _apply(state, order, event, effects, wall)
    except IntegrityError as error:
        halt_deployment(state, order.deployment_id, f"contradiction: {error}", effects, wall=wall)
    return effects


def halt_deployment(state: TradingState, deployment_id: str, reason: str, effects: Effects, *, wall: int) -> None:
    """Pull a deployment's kill switch, alert, and cancel what is working of it."""
    state.halts.set(Halt(ScopeKind.DEPLOYMENT, deployment_id, HaltState.HALTED, reason))
    announce.halted(effects, deployment_id, reason, wall=wall)
    announce.alert(
        effects, "DEPLOYMENT_HALTED", reason, deployment_id=deployment_id, cause=f"{deployment_id}/{reason}", wall=wall
    )
    cancel_all(state, state.in_scope(ScopeKind.DEPLOYMENT, deployment_id), reason, effects, wall=wall)


def cancel_all(state: TradingState, orders: Iterable[Order], reason: str, effects: Effects, *, wall: int) -> None:
    """Ask for the cancel of each order that can be canceled."""
    for order in orders:
        request_cancel(state, order, reason, effects, wall=wall)


def protect(state: TradingState, account: Account, instrument: str, effects: Effects, *, wall: int) -> None:
    """Make the working legs of a position what its bracket says: cancel those that do not fit, send what is missing."""
    key = (account.portfolio_id, instrument)
    bracket = state.brackets.get(key)
    standing = [leg for leg in state.orders.legs(*key) if leg.state is not OrderState.PENDING_CANCEL]
    entry = state.orders.get(order_id(bracket.intent_id)) if bracket is not None else None
    position = account.ledger.positions.get(instrument)
    if bracket is None or entry is None or position is None or state.halt_state(entry) is HaltState.HALTED:
        cancel_all(state, standing, "the position it protected is gone", effects, wall=wall)
        return
    tick = state.instruments[instrument].price_tick
    wanted = wanted_legs(bracket, position.quantity, position.average_price, tick)
    if len(standing) == len(wanted) and all(stands(order, wanted) for order in standing):
        return
    cancel_all(state, standing, "replaced: the position changed", effects, wall=wall)
    now = _market_time(state, account.session, instrument, wall)
    for leg in wanted:
        order = order_of(leg, leg_name(leg, bracket.generation), entry, position.quantity, now)
        order.submit(ts=now, wall=wall)
        state.put_order(order)
        announce.order_created(effects, order)
        effects.sends.append(order)
    _keep_bracket(state, account, instrument, bracket.next(), effects, now)


def _market_time(state: TradingState, session_id: str, instrument: str, wall: int) -> int:
    """The session's time as far as ``instrument`` has come: in a replay others may be ahead in their partitions."""
    session, market = state.session(session_id), state.market(session_id, instrument)
    return session.now(wall) if session.clock == "wall" or market is None else market.risk.mark_ts


def protect_all(state: TradingState, effects: Effects, *, wall: int) -> None:
    """Bring every position's legs in line with its bracket: after a halt was lifted, or a restart."""
    for portfolio_id, instrument in list(state.brackets):
        account = state.accounts.get(portfolio_id)
        if account is not None:
            protect(state, account, instrument, effects, wall=wall)


def lose(state: TradingState, order: Order, effects: Effects, *, wall: int) -> None:
    """The outcome of the order's send is not known (a crash between journal and answer)."""
    order.lose("the trading service stopped between journal and answer", ts=state.session(order.session).now(wall))
    _changed(state, order, effects, wall)


def _apply(state: TradingState, order: Order, event: VenueEvent, effects: Effects, wall: int) -> None:
    match event:
        case VenueFill():
            _fill(state, order, event, effects, wall)
            return
        case VenueAccepted():
            changed = order.accept(event.venue_order_id, ts=event.ts, wall=wall)
        case VenueTriggered():
            changed = order.trigger(ts=event.ts)
        case VenueCanceled():
            changed = order.cancel(event.reason, ts=event.ts)
        case VenueExpired():
            changed = order.expire(event.reason, ts=event.ts)
        case VenueRejected():
            changed = order.reject(event.reason, ts=event.ts, wall=wall)
        case _:
            changed = False
    if changed:
        _changed(state, order, effects, wall)


def _fill(state: TradingState, order: Order, fill: VenueFill, effects: Effects, wall: int) -> None:
    account = state.accounts[order.portfolio_id]
    before = account.ledger.quantity(order.instrument)
    result = account.ledger.apply_fill(_ledger_fill(fill))
    if not result.applied:
        return
    outcome = order.fill(fill.quantity, fill.price, ts=fill.ts)
    announce.filled(effects, order, fill, account, realized=result.realized_pnl, late=outcome.late, wall=wall)
    _changed(state, order, effects, wall)
    announce.account_changed(effects, account, order.instrument, ts=fill.ts, wall=wall)
    _rebracket(state, account, order, before, effects, fill.ts)
    if outcome.overfill:
        reason = f"order {order.order_id} was filled {outcome.overfill} beyond its quantity {order.quantity}"
        halt_deployment(state, order.deployment_id, reason, effects, wall=wall)
    protect(state, account, order.instrument, effects, wall=wall)


def _rebracket(state: TradingState, account: Account, order: Order, before: Decimal, effects: Effects, ts: int) -> None:
    key = (account.portfolio_id, order.instrument)
    old = state.brackets.get(key)
    default = state.deployments[order.deployment_id].protection
    after = account.ledger.quantity(order.instrument)
    new = bracket_after(old, order, before, after, default)
    if new != old:
        _keep_bracket(state, account, order.instrument, new, effects, ts)


def _keep_bracket(
    state: TradingState, account: Account, instrument: str, bracket: Bracket | None, effects: Effects, ts: int
) -> None:
    key = (account.portfolio_id, instrument)
    value: dict[str, object] = {}
    if bracket is None:
        state.brackets.pop(key, None)
    else:
        state.brackets[key] = bracket
        value = {name: getattr(bracket, name) for name in bracket.__struct_fields__}
    announce.latched(effects, ScopeKind.PORTFOLIO, account.portfolio_id, f"bracket:{instrument}", value, ts)


def _not_accepted(state: TradingState, order: Order, effects: Effects, now: int, wall: int) -> None:
    expired = bool(order.expires_at) and now > order.expires_at
    if order.state is not OrderState.UNKNOWN:
        return
    if state.halt_state(order) is HaltState.HALTED or expired:
        why = "it expired" if expired else "trading was halted"
        order.reject(f"not accepted by the venue before {why}", ts=now, wall=wall)
        _changed(state, order, effects, wall)
        return
    order.resubmit(ts=now, wall=wall)
    _changed(state, order, effects, wall)
    effects.sends.append(order)


def _changed(state: TradingState, order: Order, effects: Effects, wall: int) -> None:
    state.put_order(order)
    announce.order_changed(effects, order, wall=wall)


def _ledger_fill(fill: VenueFill) -> Fill:
    return Fill(
        venue=fill.venue,
        account=fill.account,
        trade_id=fill.trade_id,
        instrument=fill.instrument,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        ts=fill.ts,
    )
