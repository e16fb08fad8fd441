"""What a market event does: clocks, marks, days, slices; and through the venue in this process, fills."""

from decimal import Decimal

from ..contracts.events import Bar, BarOpened, MarketEvent, Quote, Trade, Watermark
from . import announce
from .deciding import begin_day
from .effects import Effects
from .state import DAY_NS, Account, Market, Session, TradingState

RECENT_NS = DAY_NS


def fresh(state: TradingState, event: MarketEvent) -> Market | None:
    """The event's market with its sequence moved on; None for a redelivery or an instrument that is not registered."""
    market = state.market(event.session, event.instrument)
    if market is None or event.sequence <= market.sequence:
        return None
    market.sequence = event.sequence
    return market


def mark(state: TradingState, market: Market, event: MarketEvent, wall: int) -> Effects:
    """Move the session's clock and days, then take over the event's prices."""
    effects = Effects()
    session = state.session(event.session)
    session.position = max(session.position, event.ts)
    _roll_days(state, session, effects, wall)
    match event:
        case BarOpened(open=price) | Trade(price=price):
            market.risk.on_price(price, event.ts)
        case Bar(close=price):
            market.risk.on_price(price, event.ts)
        case Quote():
            market.risk.on_quote(event.bid, event.ask, event.ts)
            price = market.risk.mark or Decimal(0)
        case _:
            return effects
    for account in state.traders[event.session, event.instrument]:
        account.ledger.mark(event.instrument, price)
    announce.marked(effects, event.session, event.instrument, market, wall=wall)
    return effects


def close_slice(state: TradingState, event: Watermark, wall: int) -> Effects:
    """At the first watermark of a slice every account of the session tells its state and notes its equity.

    At the slice's later ones the accounts that trade the instrument correct it, in case its bar came after the first.
    """
    effects = Effects()
    session = state.session(event.session)
    if event.ts > session.slice_ts:
        session.slice_ts = event.ts
        session.recent.forget_before(session.now(wall) - RECENT_NS)
        for account in state.accounts_of(event.session):
            _note_equity(effects, account, event.ts)
            announce.slice_closed(effects, account, event.ts, wall=wall)
    elif event.ts == session.slice_ts:
        for account in state.traders[event.session, event.instrument]:
            _note_equity(effects, account, event.ts)
    return effects


def _note_equity(effects: Effects, account: Account, ts: int) -> None:
    account.day.observe(account.ledger.equity())
    announce.equity_at(effects, account, ts)


def _roll_days(state: TradingState, session: Session, effects: Effects, wall: int) -> None:
    now = session.now(wall)
    if now // DAY_NS == session.day:
        return
    session.day = now // DAY_NS
    for account in state.accounts_of(session.session_id):
        begin_day(state, account.portfolio_id, effects, now=now)
