"""Bytes on the wire: JSON of the tagged events, one set of types a topic."""

from typing import Any, get_args

import msgspec

from . import topics
from .errors import UndecodableMessageError
from .events import (
    SCHEMA_VERSION,
    AlertRaised,
    AnyControl,
    AnyIntent,
    AnyMarketEvent,
    AnyRunnerEvent,
    DeadLetter,
    Event,
    IndicatorsComputed,
    InstrumentRegistered,
    IntentCleared,
    OrderFilled,
    OrderUpdated,
    PortfolioUpdated,
    SignalPublished,
    TradeApproved,
    TradeRejected,
)

TOPIC_TYPES: dict[str, Any] = {
    topics.INSTRUMENT_REGISTERED.name: InstrumentRegistered,
    topics.MARKET_RAW_DATA.name: AnyMarketEvent,
    topics.FEATURES_INDICATORS.name: IndicatorsComputed,
    topics.TRADING_SIGNALS.name: SignalPublished,
    topics.ORDERS_INTENTS.name: AnyIntent,
    topics.ORDERS_INTENTS_PORTFOLIO.name: IntentCleared,
    topics.TRADES_APPROVED.name: TradeApproved,
    topics.TRADES_REJECTED.name: TradeRejected,
    topics.ORDERS_PLACED.name: OrderUpdated,
    topics.ORDERS_FILLS.name: OrderFilled,
    topics.PORTFOLIO_UPDATED.name: PortfolioUpdated,
    topics.CONTROL_COMMANDS.name: AnyControl,
    topics.RUNNER_EVENTS.name: AnyRunnerEvent,
    topics.ALERTS.name: AlertRaised,
    topics.DEAD_LETTERS.name: DeadLetter,
}
_encoder = msgspec.json.Encoder()
_decoders = {name: msgspec.json.Decoder(types) for name, types in TOPIC_TYPES.items()}


def event_types(topic: str) -> tuple[type[Event], ...]:
    """The event classes that may stand on ``topic``."""
    types = TOPIC_TYPES[topic]
    return get_args(types) or (types,)


def encode(event: Event) -> bytes:
    """JSON of one event, its ``type`` first."""
    return _encoder.encode(event)


def decode(topic: str, payload: bytes) -> Event:
    """The event in ``payload``.

    Raises :class:`UndecodableMessageError` for bytes that are none of the topic's types, or whose schema version is
    newer than this code knows.
    """
    try:
        event: Event = _decoders[topic].decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableMessageError(f"{topic}: {error}", hint="See the dead.letters topic for the bytes.") from error
    if event.schema_version > SCHEMA_VERSION:
        raise UndecodableMessageError(
            f"{topic}: schema version {event.schema_version} is newer than {SCHEMA_VERSION}",
            hint="Upgrade this process before the producers.",
        )
    return event
