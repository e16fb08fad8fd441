"""What the trading core asks to be written: one record type a table, its fields the columns."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple


class IntentRecord(NamedTuple):
    """The inbox: one row per intent id."""

    intent_id: str
    deployment_id: str
    portfolio_id: str
    instrument: str
    session: str
    digest: str
    payload: bytes
    decided_at: int
    received_at: int


class DecisionRecord(NamedTuple):
    """What risk decided of an intent."""

    decision_id: str
    intent_id: str
    deployment_id: str
    portfolio_id: str
    instrument: str
    approved: bool
    stage: int
    code: str
    scope: str
    observed: str
    limit_value: str
    message: str
    ts: int
    decided_wall: int


class OrderRecord(NamedTuple):
    """A new order, in whatever state it has when its batch is committed."""

    order_id: str
    intent_id: str
    leg: str
    parent_order_id: str
    client_order_id: str
    venue_order_id: str
    attempt: int
    deployment_id: str
    portfolio_id: str
    instrument: str
    session: str
    side: str
    order_type: str
    time_in_force: str
    reduce_only: bool
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    state: str
    previous_state: str
    version: int
    reason: str
    reserved: Decimal
    decided_at: int
    cancel_decided_at: int
    expires_at: int
    created_ts: int
    updated_ts: int
    intent_wall: int
    journalled_wall: int
    acked_wall: int


class OrderChange(NamedTuple):
    """The columns of an order that change after its first commit."""

    order_id: str
    client_order_id: str
    venue_order_id: str
    attempt: int
    filled: Decimal
    average_price: Decimal | None
    state: str
    previous_state: str
    version: int
    reason: str
    reserved: Decimal
    cancel_decided_at: int
    updated_ts: int
    journalled_wall: int
    acked_wall: int


class FillRecord(NamedTuple):
    """One execution."""

    venue: str
    account: str
    trade_id: str
    order_id: str
    intent_id: str
    deployment_id: str
    portfolio_id: str
    instrument: str
    session: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: str
    realized_pnl: Decimal
    leg: str
    late: bool
    ts: int
    portfolio_version: int


class PositionRecord(NamedTuple):
    """A position after its last fill."""

    portfolio_id: str
    instrument: str
    quantity: Decimal
    average_price: Decimal
    realized_pnl: Decimal
    fees: Decimal
    currency: str
    updated_ts: int


class CashRecord(NamedTuple):
    """A balance after its last change."""

    portfolio_id: str
    currency: str
    amount: Decimal


class PortfolioChange(NamedTuple):
    """The ledger's version after its last change."""

    portfolio_id: str
    version: int


class EquityRecord(NamedTuple):
    """A portfolio at the close of a slice."""

    portfolio_id: str
    ts: datetime
    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal


class MarkRecord(NamedTuple):
    """The newest price of an instrument in a session."""

    session: str
    instrument: str
    price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    previous: Decimal | None
    ts: int
    received_at: int
    sequence: int


class LatchRecord(NamedTuple):
    """A small fact that has to survive a restart."""

    scope: str
    scope_id: str
    name: str
    value: dict[str, Any]
    ts: int


class HaltRecord(NamedTuple):
    """A kill switch that the service pulled itself."""

    scope: str
    scope_id: str
    state: str
    actor: str
    reason: str
    changed_at: datetime


class AuditRecord(NamedTuple):
    """What the service did in place of a person."""

    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


class OutboxRecord(NamedTuple):
    """An event to be published."""

    topic: str
    key: str
    payload: bytes


class OffsetRecord(NamedTuple):
    """The last handled record of a partition."""

    consumer: str
    topic: str
    partition: int
    offset_: int
