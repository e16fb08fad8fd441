"""Releases, deployments and their runners."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, ForeignKeyConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Json, Key, Money, Nanoseconds


class ReleaseRow(Base):
    """A registered bundle, ``name@version``. ``bundle`` is its content hash, by which the bundle store has it."""

    __tablename__ = "releases"

    name: Mapped[Key]
    version: Mapped[int] = mapped_column(primary_key=True)
    bundle: Mapped[str]
    strategy: Mapped[str]
    instruments: Mapped[list[str]] = mapped_column(ARRAY(Text))
    timeframe: Mapped[str]
    parameters: Mapped[Json]
    manifest: Mapped[Json]
    report: Mapped[Json]
    executed_notebook: Mapped[str]
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PortfolioRow(Base):
    """``version`` grows with every fill and cash change, in the same transaction."""

    __tablename__ = "portfolios"

    portfolio_id: Mapped[Key]
    currency: Mapped[str]
    initial_cash: Mapped[Money]
    session: Mapped[str]
    target: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class DeploymentRow(Base):
    """A release put to work. ``epoch`` fences: only the runner that holds the newest one may trade.

    ``decided_ts``: the
    slices up to this market time (UTC ns) were decided, and checkpointed, under earlier epochs.

    ``limits`` and ``protection`` are validated structs of ``risk`` and ``execution``; ``started_ts`` is the
    market time (UTC ns) of the deployment's first slice, 0 before it.
    """

    __tablename__ = "deployments"
    __table_args__ = (ForeignKeyConstraint(["release_name", "release_version"], ["releases.name", "releases.version"]),)

    deployment_id: Mapped[Key]
    release_name: Mapped[str]
    release_version: Mapped[int]
    target: Mapped[str]
    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.portfolio_id"))
    session: Mapped[str]
    instruments: Mapped[list[str]] = mapped_column(ARRAY(Text))
    timeframe: Mapped[str]
    parameters: Mapped[Json]
    limits: Mapped[Json]
    protection: Mapped[Json]
    on_lease_lost: Mapped[str]
    desired_state: Mapped[str]
    epoch: Mapped[int]
    decided_ts: Mapped[Nanoseconds]
    started_ts: Mapped[Nanoseconds]
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class RunnerRow(Base):
    """The runner of a deployment: its lease (epoch, heartbeat) and checkpoint.

    ``checkpoint_ts`` is the market time of the last finished slice, ``checkpoint_offsets`` the bus offsets
    behind it as ``{"topic/partition": offset}``.
    """

    __tablename__ = "runners"

    deployment_id: Mapped[str] = mapped_column(Text, ForeignKey("deployments.deployment_id"), primary_key=True)
    epoch: Mapped[int]
    state: Mapped[str]
    message: Mapped[str]
    pid: Mapped[int]
    host: Mapped[str]
    restarts: Mapped[int]
    heartbeat_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    executed_notebook: Mapped[str]
    log_file: Mapped[str]
    checkpoint_ts: Mapped[Nanoseconds]
    checkpoint_offsets: Mapped[dict[str, Any]] = mapped_column(JSONB)
