"""Everything of the first release: market, promotion, inbox, orders, ledger, control."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from millstream.store.partitions import (
    TIME_COLUMNS,
    TIMESCALE_STATE,
    TimescaleState,
    hypertable_statements,
    hypertables_usable,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "instruments",
    "candles",
    "candle_series",
    "market_sessions",
    "marks",
    "releases",
    "portfolios",
    "deployments",
    "runners",
    "intents",
    "decisions",
    "outbox",
    "consumed_offsets",
    "fences",
    "orders",
    "fills",
    "positions",
    "cash",
    "equity",
    "halts",
    "risk_latches",
    "audit",
)


def upgrade() -> None:
    """Create all tables; time series as hypertables where the server offers them, else by month."""
    found = op.get_bind().exec_driver_sql(TIMESCALE_STATE).one_or_none()
    hypertables = hypertables_usable(None if found is None else TimescaleState(bool(found[0]), bool(found[1])))
    _market(hypertables=hypertables)
    _promotion()
    _inbox()
    _orders()
    _ledger(hypertables=hypertables)
    _control()


def downgrade() -> None:
    """Drop all tables, with their data."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _time_series(name: str, *columns: Any, hypertables: bool) -> None:
    if not hypertables:
        op.create_table(name, *columns, postgresql_partition_by=f"RANGE ({TIME_COLUMNS[name]})")
        return
    op.create_table(name, *columns)
    for statement in hypertable_statements(name):
        op.execute(statement)


def _market(*, hypertables: bool) -> None:
    op.create_table(
        "instruments",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("price_tick", sa.Numeric(), nullable=False),
        sa.Column("lot_step", sa.Numeric(), nullable=False),
        sa.Column("min_quantity", sa.Numeric(), nullable=False),
        sa.Column("min_notional", sa.Numeric(), nullable=False),
        sa.Column("fee_rate", sa.Numeric(), nullable=False),
        sa.Column("maker_fee_rate", sa.Numeric(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_instruments")),
    )
    _time_series(
        "candles",
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("open_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("close", sa.Float(), nullable=False),
        sa.Column("volume", sa.Float(), nullable=False),
        sa.Column("raw_open", sa.Float(), nullable=False),
        sa.Column("raw_high", sa.Float(), nullable=False),
        sa.Column("raw_low", sa.Float(), nullable=False),
        sa.Column("raw_close", sa.Float(), nullable=False),
        sa.Column("raw_volume", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("instrument", "timeframe", "open_time", name=op.f("pk_candles")),
        hypertables=hypertables,
    )
    op.create_table(
        "candle_series",
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first_open", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_open", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instrument", "timeframe", name=op.f("pk_candle_series")),
    )
    op.create_table(
        "market_sessions",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("instruments", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("speed", sa.Float(), nullable=False),
        sa.Column("lock_step", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_market_sessions")),
    )
    op.create_table(
        "marks",
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("bid", sa.Numeric(), nullable=True),
        sa.Column("ask", sa.Numeric(), nullable=True),
        sa.Column("previous", sa.Numeric(), nullable=True),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session", "instrument", name=op.f("pk_marks")),
    )


def _promotion() -> None:
    op.create_table(
        "releases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("instruments", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("executed_notebook", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_releases")),
    )
    op.create_table(
        "portfolios",
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("initial_cash", sa.Numeric(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("portfolio_id", name=op.f("pk_portfolios")),
    )
    op.create_table(
        "deployments",
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("release_name", sa.Text(), nullable=False),
        sa.Column("release_version", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("instruments", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("protection", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("on_lease_lost", sa.Text(), nullable=False),
        sa.Column("desired_state", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("decided_ts", sa.BigInteger(), nullable=False),
        sa.Column("started_ts", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.portfolio_id"], name=op.f("fk_deployments_portfolio_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_name", "release_version"],
            ["releases.name", "releases.version"],
            name=op.f("fk_deployments_release_name"),
        ),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_deployments")),
    )
    op.create_table(
        "runners",
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("executed_notebook", sa.Text(), nullable=False),
        sa.Column("log_file", sa.Text(), nullable=False),
        sa.Column("checkpoint_ts", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_offsets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.deployment_id"], name=op.f("fk_runners_deployment_id")
        ),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_runners")),
    )


def _inbox() -> None:
    op.create_table(
        "intents",
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_intents")),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("limit_value", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("decided_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_deployment_id_ts", "decisions", ["deployment_id", "ts"], unique=False)
    op.create_index(op.f("ix_decisions_intent_id"), "decisions", ["intent_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox")),
    )
    op.create_table(
        "consumed_offsets",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset_", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "topic", "partition", name=op.f("pk_consumed_offsets")),
    )
    op.create_table(
        "fences",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fences")),
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("leg", sa.Text(), nullable=False),
        sa.Column("parent_order_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("time_in_force", sa.Text(), nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("filled", sa.Numeric(), nullable=False),
        sa.Column("average_price", sa.Numeric(), nullable=True),
        sa.Column("limit_price", sa.Numeric(), nullable=True),
        sa.Column("stop_price", sa.Numeric(), nullable=True),
        sa.Column("stop_loss", sa.Numeric(), nullable=True),
        sa.Column("take_profit", sa.Numeric(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("previous_state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reserved", sa.Numeric(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.Column("updated_ts", sa.BigInteger(), nullable=False),
        sa.Column("intent_wall", sa.BigInteger(), nullable=False),
        sa.Column("journalled_wall", sa.BigInteger(), nullable=False),
        sa.Column("acked_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
        sa.UniqueConstraint("intent_id", "leg", name=op.f("uq_orders_intent_id_leg")),
    )
    op.create_index("ix_orders_portfolio_id", "orders", ["portfolio_id"], unique=False)
    op.create_index(
        "ix_orders_working",
        "orders",
        ["state"],
        unique=False,
        postgresql_where="state NOT IN ('denied','filled','canceled','rejected','expired')",
    )
    op.create_table(
        "fills",
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("fee", sa.Numeric(), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=False),
        sa.Column("liquidity", sa.Text(), nullable=False),
        sa.Column("realized_pnl", sa.Numeric(), nullable=False),
        sa.Column("leg", sa.Text(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("portfolio_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "account", "trade_id", name=op.f("pk_fills")),
    )
    op.create_index(op.f("ix_fills_order_id"), "fills", ["order_id"], unique=False)
    op.create_index("ix_fills_portfolio_id_ts", "fills", ["portfolio_id", "ts"], unique=False)


def _ledger(*, hypertables: bool) -> None:
    op.create_table(
        "positions",
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("average_price", sa.Numeric(), nullable=False),
        sa.Column("realized_pnl", sa.Numeric(), nullable=False),
        sa.Column("fees", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("updated_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio_id", "instrument", name=op.f("pk_positions")),
    )
    op.create_table(
        "cash",
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio_id", "currency", name=op.f("pk_cash")),
    )
    _time_series(
        "equity",
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("ts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("equity", sa.Numeric(), nullable=False),
        sa.Column("cash", sa.Numeric(), nullable=False),
        sa.Column("realized_pnl", sa.Numeric(), nullable=False),
        sa.Column("unrealized_pnl", sa.Numeric(), nullable=False),
        sa.Column("fees", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio_id", "ts", name=op.f("pk_equity")),
        hypertables=hypertables,
    )


def _control() -> None:
    op.create_table(
        "halts",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", name=op.f("pk_halts")),
    )
    op.create_table(
        "risk_latches",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "name", name=op.f("pk_risk_latches")),
    )
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
    )
