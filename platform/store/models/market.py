"""Instruments, candles, market sessions and marks."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Float, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Json, Key, Money, Nanoseconds

# PostgreSQL channel on which the trading service says that a commit of a lock-step session is done.
LOCK_STEP_CHANNEL = "millstream_lock_step"


class InstrumentRow(Base):
    """A registered :class:`~millstream.contracts.instrument.Instrument`; ``key`` is ``<exchange>:<symbol>``."""

    __tablename__ = "instruments"

    key: Mapped[Key]
    exchange: Mapped[str]
    symbol: Mapped[str]
    currency: Mapped[str]
    base: Mapped[str]
    price_tick: Mapped[Money]
    lot_step: Mapped[Money]
    min_quantity: Mapped[Money]
    min_notional: Mapped[Money]
    fee_rate: Mapped[Money]
    maker_fee_rate: Mapped[Money]
    description: Mapped[str]
    registered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CandleRow(Base):
    """One candle, adjusted for splits and dividends; ``raw_*`` as recorded (equal where not adjusted).

    A hypertable where TimescaleDB is installed, else partitioned by month on ``open_time`` (UTC).
    """

    __tablename__ = "candles"
    __table_args__ = {"postgresql_partition_by": "RANGE (open_time)"}  # noqa: RUF012 - SQLAlchemy's form

    instrument: Mapped[Key]
    timeframe: Mapped[Key]
    open_time: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    open: Mapped[float] = mapped_column(Float)
    high: Mapped[float] = mapped_column(Float)
    low: Mapped[float] = mapped_column(Float)
    close: Mapped[float] = mapped_column(Float)
    volume: Mapped[float] = mapped_column(Float)
    raw_open: Mapped[float] = mapped_column(Float)
    raw_high: Mapped[float] = mapped_column(Float)
    raw_low: Mapped[float] = mapped_column(Float)
    raw_close: Mapped[float] = mapped_column(Float)
    raw_volume: Mapped[float] = mapped_column(Float)


class CandleSeriesRow(Base):
    """What is stored of one instrument and timeframe, kept in the transaction that writes its candles.

    ``version`` grows with every change of stored candles: caches keyed by it are never stale. ``source`` says
    where the candles came from first.
    """

    __tablename__ = "candle_series"

    instrument: Mapped[Key]
    timeframe: Mapped[Key]
    version: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    first_open: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_open: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    source: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class MarketSessionRow(Base):
    """A market that deployments can trade on: ``""`` is the live one, others are replays.

    ``clock`` says which time rules use: ``wall``, or ``market`` (the newest watermark, for replays).
    ``position`` is the market time (UTC ns) of the last slice that was published.
    """

    __tablename__ = "market_sessions"

    session_id: Mapped[Key]
    kind: Mapped[str]
    clock: Mapped[str]
    timeframe: Mapped[str]
    instruments: Mapped[list[str]] = mapped_column(ARRAY(Text))
    speed: Mapped[float] = mapped_column(Float)
    lock_step: Mapped[bool]
    state: Mapped[str]
    message: Mapped[str]
    position: Mapped[Nanoseconds]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class MarkRow(Base):
    """The newest price of an instrument in a session that trading has seen: its view survives a restart."""

    __tablename__ = "marks"

    session: Mapped[Key]
    instrument: Mapped[Key]
    price: Mapped[Money]
    bid: Mapped[Money | None]
    ask: Mapped[Money | None]
    previous: Mapped[Money | None]
    ts: Mapped[Nanoseconds]
    received_at: Mapped[Nanoseconds]
    sequence: Mapped[int] = mapped_column(BigInteger)


__all__ = ["CandleRow", "CandleSeriesRow", "InstrumentRow", "Json", "MarkRow", "MarketSessionRow"]
