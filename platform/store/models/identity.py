"""People, their invitations, logins, refresh tokens, failed attempts and API keys. No secret stands here readable.

Passwords are argon2id hashes, tokens and keys SHA-256 of 256 random bits, TOTP secrets encrypted with a key that the
database does not hold.
"""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Key

Moment = DateTime(timezone=True)


class UserRow(Base):
    """A person. ``portfolios`` empty means all; ``password_hash`` is empty until a password was chosen.

    ``totp_step`` is the 30 s step of the last code that was accepted: no code counts twice. ``totp_pending`` waits for
    its first code. ``external`` is the issuer and subject of a person who comes through OpenID Connect, else NULL.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("external"),)

    user_id: Mapped[Key]
    name: Mapped[str]
    role: Mapped[str]
    portfolios: Mapped[list[str]] = mapped_column(ARRAY(Text))
    active: Mapped[bool]
    password_hash: Mapped[str]
    totp_secret: Mapped[str]
    totp_pending: Mapped[str]
    totp_step: Mapped[int] = mapped_column(BigInteger)
    external: Mapped[str | None]
    language: Mapped[str]
    time_zone: Mapped[str]
    theme: Mapped[str]
    last_login: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class InvitationRow(Base):
    """A one-time link by the hash of its token. ``user_id`` is empty for the first admin, who chooses a name."""

    __tablename__ = "invitations"

    token_hash: Mapped[Key]
    user_id: Mapped[str] = mapped_column(Text, index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)


class LoginSessionRow(Base):
    """A login of a person at one place; every token that comes from it ends with it."""

    __tablename__ = "login_sessions"

    session_id: Mapped[Key]
    user_id: Mapped[str] = mapped_column(Text, ForeignKey("users.user_id"), index=True)
    second_factor: Mapped[bool]
    address: Mapped[str]
    agent: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_used: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class RefreshTokenRow(Base):
    """A refresh token of a session's family by its hash; one that comes again after ``used_at`` ends the session."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[Key]
    session_id: Mapped[str] = mapped_column(
        Text, ForeignKey("login_sessions.session_id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class LoginFailureRow(Base):
    """Failed logins of a name (known or not) from an address since the last good one."""

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_last_at", "last_at"),)

    user_id: Mapped[Key]
    address: Mapped[Key]
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(Moment)
    locked_until: Mapped[datetime] = mapped_column(Moment)


class ApiKeyRow(Base):
    """A key of a program that acts for a person, within ``scopes``, until ``expires_at``."""

    __tablename__ = "api_keys"

    key_id: Mapped[Key]
    user_id: Mapped[str] = mapped_column(Text, ForeignKey("users.user_id"), index=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    last_used: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
