"""People who log in, their sessions, tokens and keys; the audit says from where."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("api_keys", "login_failures", "refresh_tokens", "login_sessions", "invitations", "users")


def upgrade() -> None:
    """Rows of the audit that are there came from the command line: their address is empty.

    The default reads what the gateway sets on its connection, so whoever writes a row need not know of it.
    """
    op.add_column(
        "audit",
        sa.Column(
            "address",
            sa.Text(),
            nullable=False,
            server_default=sa.text("COALESCE(current_setting('millstream.address'::text, true), ''::text)"),
        ),
    )
    _people()
    _sessions()
    _keys()


def downgrade() -> None:
    """Drop the tables and the column."""
    for table in _TABLES:
        op.drop_table(table)
    op.drop_column("audit", "address")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _people() -> None:
    op.create_table(
        "users",
        _text("user_id"),
        _text("name"),
        _text("role"),
        sa.Column("portfolios", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _text("password_hash"),
        _text("totp_secret"),
        _text("totp_pending"),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("external", sa.Text(), nullable=True),
        _text("language"),
        _text("time_zone"),
        _text("theme"),
        _at("last_login", nullable=True),
        _at("created_at"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("external", name=op.f("uq_users_external")),
    )
    op.create_table(
        "invitations",
        _text("token_hash"),
        _text("user_id"),
        _at("created_at"),
        _at("expires_at"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_user_id"), "invitations", ["user_id"])


def _sessions() -> None:
    op.create_table(
        "login_sessions",
        _text("session_id"),
        _text("user_id"),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        _text("address"),
        _text("agent"),
        _at("created_at"),
        _at("last_used"),
        _at("expires_at"),
        _at("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_login_sessions_user_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_login_sessions")),
    )
    op.create_index(op.f("ix_login_sessions_user_id"), "login_sessions", ["user_id"])
    op.create_table(
        "refresh_tokens",
        _text("token_hash"),
        _text("session_id"),
        _at("created_at"),
        _at("used_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["login_sessions.session_id"],
            name=op.f("fk_refresh_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"])


def _keys() -> None:
    op.create_table(
        "login_failures",
        _text("user_id"),
        _text("address"),
        sa.Column("failures", sa.Integer(), nullable=False),
        _at("last_at"),
        _at("locked_until"),
        sa.PrimaryKeyConstraint("user_id", "address", name=op.f("pk_login_failures")),
    )
    op.create_index("ix_login_failures_last_at", "login_failures", ["last_at"])
    op.create_table(
        "api_keys",
        _text("key_id"),
        _text("user_id"),
        _text("name"),
        _text("secret_hash"),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        _at("created_at"),
        _at("expires_at"),
        _at("last_used", nullable=True),
        _at("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_api_keys_user_id")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"])
