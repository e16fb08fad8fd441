"""Market data: ``instrument.registered``, ``market.raw.data``, ``features.indicators``, ``trading.signals``.

``session`` separates markets that must not be mixed: empty is the live market itself, anything else is the id of one
replay. Times named ``ts`` are the market's own, in UTC nanoseconds.
"""

from decimal import Decimal

import msgspec

from ..enums import Side
from ..instrument import Instrument
from .base import Event


class InstrumentRegistered(Event, frozen=True, kw_only=True, tag="instrument.registered"):
    """An instrument was added or its terms changed."""

    instrument: Instrument


class MarketEvent(Event, frozen=True, kw_only=True):
    """``sequence`` grows strictly within one session and instrument: a repeated one is a redelivery."""

    instrument: str
    ts: int
    session: str = ""
    sequence: int = 0


class BarOpened(MarketEvent, frozen=True, kw_only=True, tag="bar_opened"):
    """The first price of a bar: where market orders decided at the previous close execute. ``ts`` = open time."""

    timeframe: str
    open: Decimal


class Bar(MarketEvent, frozen=True, kw_only=True, tag="bar"):
    """A closed bar. ``ts`` is its close time (open time + timeframe), the moment it may first be known."""

    timeframe: str
    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Quote(MarketEvent, frozen=True, kw_only=True, tag="quote"):
    """Best bid and ask with their sizes in base units."""

    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal


class Trade(MarketEvent, frozen=True, kw_only=True, tag="trade"):
    """One public trade; ``side`` is the aggressor's."""

    price: Decimal
    quantity: Decimal
    side: Side | None = None
    trade_id: str = ""


class Watermark(MarketEvent, frozen=True, kw_only=True, tag="watermark"):
    """No bar of this timeframe and instrument with a close time <= ``ts`` is still to come: strategies decide now.

    ``after`` (portfolio id -> version) is set by a lock-step replay: a runner waits until its view of its portfolio has
    at least that version, so that what the market did to its orders is known before it decides.
    """

    timeframe: str
    after: dict[str, int] = msgspec.field(default_factory=dict)


class SessionEnded(MarketEvent, frozen=True, kw_only=True, tag="session_ended"):
    """The replay session has no more data for this instrument: its runners complete."""


class IndicatorsComputed(Event, frozen=True, kw_only=True, tag="features.indicators"):
    """Indicator values of one instrument at the close of the bar that ended at ``ts``.

    ``deployment_id`` is the deployment whose strategy computed them for its decision; empty: nobody's in particular.
    """

    instrument: str
    ts: int
    timeframe: str
    values: dict[str, float]
    session: str = ""
    deployment_id: str = ""


class SignalPublished(Event, frozen=True, kw_only=True, tag="trading.signal"):
    """A prediction for strategies to use: ``value`` in [-1, 1], valid until ``valid_until`` (UTC ns)."""

    instrument: str
    ts: int
    source: str
    value: float
    valid_until: int
    session: str = ""
