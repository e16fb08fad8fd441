"""When a strategy decided the cancel of its order: a runner restarted before that decision makes it again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Orders that are there were decided long ago."""
    op.add_column("orders", sa.Column("cancel_decided_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("orders", "cancel_decided_at", server_default=None)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("orders", "cancel_decided_at")
