"""From intent to fill: ``orders.intents`` … ``orders.fills``."""

from decimal import Decimal

from ..enums import Liquidity, OrderState, OrderType, RejectCode, ScopeKind, Side, TimeInForce
from .base import Event


class IntentBase(Event, frozen=True, kw_only=True):
    """What every request of a runner says about itself.

    ``intent_id`` is deterministic (:func:`~millstream.contracts.ids.intent_id`) and is the idempotency key of the whole
    path. ``decided_at`` and ``expires_at`` are on the session's clock: wall time for the live market, market time for a
    replay (UTC ns). ``epoch`` fences runners that were replaced.
    """

    intent_id: str
    idempotency_key: str
    deployment_id: str
    epoch: int
    portfolio_id: str
    instrument: str
    risk_key: str
    decided_at: int
    expires_at: int
    session: str = ""


class OrderIntent(IntentBase, frozen=True, kw_only=True, tag="order.intent"):
    """A request to trade ``quantity`` (base units, > 0). ``reference_price`` is the price the strategy decided on.

    ``stop_loss`` and ``take_profit`` are fractions of the entry price (0.05 = 5 %): the trading service places and
    keeps the protective orders itself, whether or not the runner lives.
    """

    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    reference_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    tag: str = ""


class CancelIntent(IntentBase, frozen=True, kw_only=True, tag="order.cancel"):
    """A request to cancel the order that the intent ``target_intent_id`` became. Never throttled."""

    target_intent_id: str


class IntentCleared(Event, frozen=True, kw_only=True, tag="intent.cleared"):
    """Stage 1 (instrument) let the intent pass; stage 2 (portfolio) decides next."""

    intent: OrderIntent
    reference_price: Decimal


class TradeApproved(Event, frozen=True, kw_only=True, tag="trade.approved"):
    """Both stages let the intent pass; ``reserved_notional`` is held until its order ends."""

    intent: OrderIntent
    order_id: str
    reserved_notional: Decimal


class TradeRejected(Event, frozen=True, kw_only=True, tag="trade.rejected"):
    """``stage`` is 1 (instrument), 2 (portfolio) or 3 (executor); observed value and limit are texts for people."""

    intent_id: str
    deployment_id: str
    portfolio_id: str
    instrument: str
    code: RejectCode
    stage: int
    scope: ScopeKind
    observed: str
    limit: str
    message: str
    ts: int
    session: str = ""


class OrderUpdated(Event, frozen=True, kw_only=True, tag="order.updated"):
    """State of an order after a transition (topic ``orders.placed``). ``version`` grows by one a transition.

    ``cancel_decided_at`` is when its strategy asked for its cancel (the session's clock, UTC ns), 0 if it did not.
    """

    order_id: str
    intent_id: str
    client_order_id: str
    deployment_id: str
    portfolio_id: str
    instrument: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    filled: Decimal
    state: OrderState
    version: int
    ts: int
    venue_order_id: str = ""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    average_price: Decimal | None = None
    leg: str = ""
    reason: str = ""
    session: str = ""
    cancel_decided_at: int = 0


class OrderFilled(Event, frozen=True, kw_only=True, tag="order.filled"):
    """One execution. ``(venue, account, trade_id)`` is unique; ``late`` marks a fill of an order already terminal."""

    trade_id: str
    venue: str
    account: str
    order_id: str
    intent_id: str
    deployment_id: str
    portfolio_id: str
    instrument: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    ts: int
    realized_pnl: Decimal = Decimal(0)
    portfolio_version: int = 0
    leg: str = ""
    late: bool = False
    session: str = ""
