"""The trading service's state: inbox, decisions, orders, fills, ledger, outbox, offsets, fences, halts.

Every row here is written by the trading service in the transaction that also stores the consumed offsets,
except ``halts`` and ``audit``, which a person or the supervisor writes.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Json, Key, Money, Nanoseconds


class IntentRow(Base):
    """Inbox: one row per intent id, ever.

    ``payload`` is the event as received; ``digest`` tells a redelivery (same) from a forgery or an error (same
    id, other content).
    """

    __tablename__ = "intents"

    intent_id: Mapped[Key]
    deployment_id: Mapped[str]
    portfolio_id: Mapped[str]
    instrument: Mapped[str]
    session: Mapped[str]
    digest: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    decided_at: Mapped[Nanoseconds]
    received_at: Mapped[Nanoseconds]


class DecisionRow(Base):
    """What risk decided of an intent (also redundant rejections of one id, hence the own key)."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_deployment_id_ts", "deployment_id", "ts"),
        Index("ix_decisions_rejected", "ts", "decision_id", postgresql_where="NOT approved"),
        Index("ix_decisions_rejected_of", "deployment_id", "ts", "decision_id", postgresql_where="NOT approved"),
        Index("ix_decisions_rejected_wall", "decided_wall", postgresql_where="NOT approved"),
    )

    decision_id: Mapped[Key]
    intent_id: Mapped[str] = mapped_column(Text, index=True)
    deployment_id: Mapped[str]
    portfolio_id: Mapped[str]
    instrument: Mapped[str]
    approved: Mapped[bool]
    stage: Mapped[int] = mapped_column(SmallInteger)
    code: Mapped[str]
    scope: Mapped[str]
    observed: Mapped[str]
    limit_value: Mapped[str]
    message: Mapped[str]
    ts: Mapped[Nanoseconds]
    decided_wall: Mapped[Nanoseconds]


class OrderRow(Base):
    """The journal: a row in state ``submitted`` is committed before the send. ``attempt`` counts sends."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_portfolio_id", "portfolio_id"),
        Index("ix_orders_created_ts_order_id", "created_ts", "order_id"),
        Index("ix_orders_deployment_id_created_ts_order_id", "deployment_id", "created_ts", "order_id"),
        Index(
            "ix_orders_working",
            "state",
            postgresql_where="state NOT IN ('denied','filled','canceled','rejected','expired')",
        ),
        UniqueConstraint("intent_id", "leg"),
    )

    order_id: Mapped[Key]
    intent_id: Mapped[str]
    leg: Mapped[str]
    parent_order_id: Mapped[str]
    client_order_id: Mapped[str]
    venue_order_id: Mapped[str]
    attempt: Mapped[int]
    deployment_id: Mapped[str]
    portfolio_id: Mapped[str]
    instrument: Mapped[str]
    session: Mapped[str]
    side: Mapped[str]
    order_type: Mapped[str]
    time_in_force: Mapped[str]
    reduce_only: Mapped[bool]
    quantity: Mapped[Money]
    filled: Mapped[Money]
    average_price: Mapped[Money | None]
    limit_price: Mapped[Money | None]
    stop_price: Mapped[Money | None]
    stop_loss: Mapped[Money | None]
    take_profit: Mapped[Money | None]
    state: Mapped[str]
    previous_state: Mapped[str]
    version: Mapped[int]
    reason: Mapped[str]
    reserved: Mapped[Money]
    decided_at: Mapped[Nanoseconds]
    cancel_decided_at: Mapped[Nanoseconds]
    expires_at: Mapped[Nanoseconds]
    created_ts: Mapped[Nanoseconds]
    updated_ts: Mapped[Nanoseconds]
    intent_wall: Mapped[Nanoseconds]
    journalled_wall: Mapped[Nanoseconds]
    acked_wall: Mapped[Nanoseconds]


class FillRow(Base):
    """One execution, once: the venue's trade id is the key. ``late``: its order was already terminal."""

    __tablename__ = "fills"
    __table_args__ = (
        Index("ix_fills_portfolio_id_ts", "portfolio_id", "ts"),
        Index("ix_fills_portfolio_id_instrument_portfolio_version", "portfolio_id", "instrument", "portfolio_version"),
        Index("ix_fills_newest", "ts", "portfolio_version", "trade_id"),
    )

    venue: Mapped[Key]
    account: Mapped[Key]
    trade_id: Mapped[Key]
    order_id: Mapped[str] = mapped_column(Text, index=True)
    intent_id: Mapped[str]
    deployment_id: Mapped[str]
    portfolio_id: Mapped[str]
    instrument: Mapped[str]
    session: Mapped[str]
    side: Mapped[str]
    quantity: Mapped[Money]
    price: Mapped[Money]
    fee: Mapped[Money]
    fee_currency: Mapped[str]
    liquidity: Mapped[str]
    realized_pnl: Mapped[Money]
    leg: Mapped[str]
    late: Mapped[bool]
    ts: Mapped[Nanoseconds]
    portfolio_version: Mapped[int] = mapped_column(BigInteger)


class IndicatorRow(Base):
    """What a strategy showed of one instrument at its decision at ``ts`` (market time, UTC ns): values by name."""

    __tablename__ = "indicators"

    deployment_id: Mapped[Key]
    instrument: Mapped[Key]
    ts: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    values: Mapped[dict[str, float]] = mapped_column(JSONB)


class PositionRow(Base):
    """What a portfolio holds of an instrument: signed quantity at its average entry price."""

    __tablename__ = "positions"

    portfolio_id: Mapped[Key]
    instrument: Mapped[Key]
    quantity: Mapped[Money]
    average_price: Mapped[Money]
    realized_pnl: Mapped[Money]
    fees: Mapped[Money]
    currency: Mapped[str]
    updated_ts: Mapped[Nanoseconds]


class CashRow(Base):
    """Cash of a portfolio in one currency."""

    __tablename__ = "cash"

    portfolio_id: Mapped[Key]
    currency: Mapped[Key]
    amount: Mapped[Money]


class EquityRow(Base):
    """Equity of a portfolio at the close of each slice; hypertable or partitioned by month like candles."""

    __tablename__ = "equity"
    __table_args__ = {"postgresql_partition_by": "RANGE (ts)"}  # noqa: RUF012 - SQLAlchemy's form

    portfolio_id: Mapped[Key]
    ts: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    equity: Mapped[Money]
    cash: Mapped[Money]
    realized_pnl: Mapped[Money]
    unrealized_pnl: Mapped[Money]
    fees: Mapped[Money]


class LatchRow(Base):
    """Small facts that risk remembers across restarts (the day's first equity, a tripped latch), per scope."""

    __tablename__ = "risk_latches"

    scope: Mapped[Key]
    scope_id: Mapped[Key]
    name: Mapped[Key]
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    ts: Mapped[Nanoseconds]


class OutboxRow(Base):
    """Events committed with the state, published right after; the next start sweeps what a crash left here."""

    __tablename__ = "outbox"

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    topic: Mapped[str]
    key: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)


class ConsumedOffsetRow(Base):
    """Offset of the last record of a partition whose effects are committed."""

    __tablename__ = "consumed_offsets"

    consumer: Mapped[Key]
    topic: Mapped[Key]
    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column("offset_", BigInteger)


class FenceRow(Base):
    """Which instance of a service may write: every commit checks its epoch against this row."""

    __tablename__ = "fences"

    name: Mapped[Key]
    epoch: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str]
    taken_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class HaltRow(Base):
    """Kill switch by scope; no row means active. Read inside the transaction that journals a send."""

    __tablename__ = "halts"

    scope: Mapped[Key]
    scope_id: Mapped[Key]
    state: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AuditRow(Base):
    """Who did what to which thing, when and from where: append-only.

    ``address`` is what the gateway set as ``millstream.address`` on its connection, empty for the command line.
    """

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[Json]
    address: Mapped[str] = mapped_column(
        Text, server_default=text("COALESCE(current_setting('millstream.address'::text, true), ''::text)")
    )
