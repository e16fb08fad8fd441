"""Orders, fills, trades, rejections, positions, portfolios and equity."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from ..enums import OrderType, ScopeKind, Side, TimeInForce
from .base import Answer, Request, Time


class Order(Answer):
    """An order. ``leg`` names a protective order; ``ack_ms`` runs from the intent to the venue's acknowledgement.

    ``tag`` is what its maker wrote on it: the strategy's tag, or ``manual:<user>`` of a ticket.
    """

    order: str
    intent: str
    leg: str = ""
    deployment: str
    portfolio: str
    instrument: str
    session: str
    target: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    state: str
    reason: str = ""
    decided_at: Time
    updated_at: Time
    ack_ms: float | None = None
    tag: str = ""


class Ticket(Request):
    """A manual order on the account of a deployment: it passes the same risk rules, with that deployment's limits.

    ``limit_price`` and ``stop_price`` go with the order type; ``quantity`` is in base units.
    """

    deployment: str = Field(min_length=1, max_length=64, examples=["sma_cross"])
    instrument: str = Field(min_length=1, max_length=96, examples=["SAMPLE:AAPL"])
    side: Side
    quantity: Decimal = Field(gt=0, max_digits=38, examples=["10"])
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = Field(default=None, gt=0, max_digits=38)
    stop_price: Decimal | None = Field(default=None, gt=0, max_digits=38)
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False


class TicketResult(Answer):
    """What became of a manual order: ``order`` where risk approved it, else ``rejection``."""

    intent: str
    order: Order | None = None
    rejection: "Rejection | None" = None


class Flatten(Request):
    """Cancel what works and close what is held, in one scope; ``instrument`` narrows it. ``confirm`` must be true."""

    portfolio: str = Field(default="", max_length=64)
    deployment: str = Field(default="", max_length=64, examples=["sma_cross"])
    instrument: str = Field(default="", max_length=96)
    confirm: bool = False


class FlattenResult(Answer):
    """The closing orders that were sent and the working orders that are being canceled."""

    closing: tuple[TicketResult, ...]
    canceling: tuple[str, ...]


class Fill(Answer):
    """An execution; ``realized_pnl`` before fees."""

    trade_id: str
    order: str
    intent: str
    leg: str = ""
    deployment: str
    portfolio: str
    instrument: str
    session: str
    target: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: str
    realized_pnl: Decimal
    late: bool = False
    time: Time


class Trade(Answer):
    """A round trip: from flat to flat again (``closed_at`` is None while it is open), fills paired by average cost.

    ``pnl`` is realised plus unrealised, after fees, in ``currency``; ``return_`` is a fraction of the entry's notional.
    ``indicators`` are what the strategy noted at the entry's decision, ``exit_indicators`` at the exit's.
    """

    trade: str
    deployment: str
    portfolio: str
    instrument: str
    session: str
    target: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal | None = None
    opened_at: Time
    closed_at: Time | None = None
    pnl: Decimal
    fees: Decimal
    currency: str
    return_: float = Field(alias="return", default=0.0)
    reason: str = ""
    indicators: dict[str, float] = Field(default_factory=dict)
    exit_indicators: dict[str, float] = Field(default_factory=dict)

    model_config = Answer.model_config | {"populate_by_name": True}


class IndicatorPoint(Answer):
    """Values a strategy computed at the close of one slice, by name, as it saw them."""

    time: Time
    instrument: str
    values: dict[str, float]


class Rejection(Answer):
    """An intent that risk or the venue refused: the rule's code, what it saw and what it allows."""

    intent: str
    deployment: str
    portfolio: str
    instrument: str
    stage: int
    code: str
    scope: str
    observed: str
    limit: str
    message: str
    time: Time


class Position(Answer):
    """A position. Prices are None while the instrument has no price in its session; stop and target where protected."""

    portfolio: str
    deployment: str
    instrument: str
    session: str
    target: str
    quantity: Decimal
    average_price: Decimal
    mark: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None = None
    fees: Decimal
    currency: str
    updated_at: Time


class Portfolio(Answer):
    """A portfolio now; ``equity`` and P&L in ``currency``, ``cash`` by currency, ``drawdown`` a fraction of the peak.

    ``day_pnl`` counts from the start of the UTC day of the session's clock; ``exposure`` is the gross notional held.
    """

    portfolio: str
    deployments: tuple[str, ...]
    session: str
    target: str
    currency: str
    version: int
    initial_cash: Decimal
    cash: dict[str, Decimal]
    equity: Decimal
    day_pnl: Decimal
    drawdown: float
    exposure: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    updated_at: Time | None = None


class EquityPoint(Answer):
    """A portfolio at the close of one slice."""

    time: Time
    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal


class LimitUse(Answer):
    """A limit of a deployment beside what is used of it: ``use`` is a fraction of ``limit`` (1 = exhausted)."""

    deployment: str
    portfolio: str
    name: str
    code: str
    limit: Decimal | None = None
    used: Decimal | None = None
    use: float | None = None
    unit: str = ""


class Latch(Answer):
    """Something that tripped and stays so until a person re-arms it, or its day ends."""

    scope: ScopeKind
    scope_id: str
    name: str
    value: dict[str, Any]
    time: Time


class Halt(Answer):
    """A scope that is halted or reduce-only."""

    scope: ScopeKind
    scope_id: str = ""
    state: str
    actor: str
    reason: str
    changed_at: Time


class HaltRequest(Request):
    """Stop a scope; ``reduce_only`` still allows orders that reduce a position. The global scope has no id."""

    scope: ScopeKind
    scope_id: str = Field(default="", max_length=96)
    reason: str = Field(min_length=1, max_length=500, examples=["prices look wrong"])
    reduce_only: bool = False


class ResumeRequest(Request):
    """Allow trading of a halted scope again."""

    scope: ScopeKind
    scope_id: str = Field(default="", max_length=96)
    reason: str = Field(min_length=1, max_length=500, examples=["prices look wrong"])


class HaltResult(Answer):
    """``sealed``: no order of the scope can be sent any more; ``working`` orders are being canceled."""

    halt: Halt
    sealed: bool
    working: tuple[str, ...] = ()
