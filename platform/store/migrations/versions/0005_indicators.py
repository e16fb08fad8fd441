"""What strategies show of their decisions, and the indexes by which the gateway lists orders, fills and rejections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REJECTED = "NOT approved"


def upgrade() -> None:
    """Create the table and the indexes."""
    op.create_table(
        "indicators",
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", "instrument", "ts", name=op.f("pk_indicators")),
    )
    op.create_index("ix_decisions_rejected", "decisions", ["ts", "decision_id"], postgresql_where=_REJECTED)
    op.create_index(
        "ix_decisions_rejected_of", "decisions", ["deployment_id", "ts", "decision_id"], postgresql_where=_REJECTED
    )
    op.create_index("ix_decisions_rejected_wall", "decisions", ["decided_wall"], postgresql_where=_REJECTED)
    op.create_index("ix_orders_created_ts_order_id", "orders", ["created_ts", "order_id"])
    op.create_index(
        "ix_orders_deployment_id_created_ts_order_id", "orders", ["deployment_id", "created_ts", "order_id"]
    )
    op.create_index(
        "ix_fills_portfolio_id_instrument_portfolio_version",
        "fills",
        ["portfolio_id", "instrument", "portfolio_version"],
    )
    op.create_index("ix_fills_newest", "fills", ["ts", "portfolio_version", "trade_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_fills_newest", "fills")
    op.drop_index("ix_fills_portfolio_id_instrument_portfolio_version", "fills")
    op.drop_index("ix_orders_deployment_id_created_ts_order_id", "orders")
    op.drop_index("ix_orders_created_ts_order_id", "orders")
    op.drop_index("ix_decisions_rejected_wall", "decisions")
    op.drop_index("ix_decisions_rejected_of", "decisions")
    op.drop_index("ix_decisions_rejected", "decisions")
    op.drop_table("indicators")
