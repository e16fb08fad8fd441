"""What the gateway remembers of commands."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Key


class IdempotencyRow(Base):
    """What a command answered under an idempotency key of a user, kept for 24 hours; no ``status``: still at it."""

    __tablename__ = "idempotency"

    user_id: Mapped[Key]
    route: Mapped[Key]
    key: Mapped[Key]
    fingerprint: Mapped[str]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class OperationRow(Base):
    """A command that takes time: ``state`` is ``running``, ``done`` or ``failed``."""

    __tablename__ = "operations"

    operation_id: Mapped[Key]
    kind: Mapped[str]
    user_id: Mapped[str]
    state: Mapped[str]
    steps: Mapped[list[str]] = mapped_column(ARRAY(Text))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
