"""From deliveries to steps: decode, set aside what cannot be used, and bring one read into the order of its causes."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from ..bus.base import Delivery, TopicPartition
from ..contracts import topics
from ..contracts.codec import decode
from ..contracts.errors import UndecodableMessageError
from ..contracts.events import (
    Bar,
    BarOpened,
    CancelIntent,
    DeadLetter,
    DeploymentChanged,
    Event,
    MarketEvent,
    OrderIntent,
    Quote,
    Trade,
)
from ..contracts.ids import digest

SOURCE = "trading"


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that cannot be used, and the deployment it claims to come from (empty when that cannot be told)."""

    letter: DeadLetter
    deployment_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """One record, decoded, and where it stood."""

    where: TopicPartition
    offset: int
    event: Event | Poison
    payload: bytes = b""


@dataclass(slots=True)
class Batch:
    """The steps of one read in the order in which they are handled, and whom they concern."""

    steps: list[Step] = field(default_factory=list)
    deployments: set[str] = field(default_factory=set)
    intents: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    instruments: set[str] = field(default_factory=set)


def take_in(deliveries: Sequence[Delivery], now: int) -> Batch:
    """Decode one read. ``now`` (wall, UTC ns) dates the dead letters."""
    batch = Batch()
    steps = [_step(delivery, now) for delivery in deliveries]
    batch.steps.extend(in_causal_order(steps))
    for step in steps:
        match step.event:
            case OrderIntent() | CancelIntent() as intent:
                batch.deployments.add(intent.deployment_id)
                batch.intents.add(intent.intent_id)
                batch.sessions.add(intent.session)
                batch.instruments.add(intent.instrument)
            case MarketEvent() as market:
                batch.sessions.add(market.session)
                batch.instruments.add(market.instrument)
            case DeploymentChanged() as changed:
                batch.deployments.add(changed.deployment_id)
            case Poison(deployment_id=deployment_id) if deployment_id:
                batch.deployments.add(deployment_id)
            case _:
                pass
    return batch


def in_causal_order(steps: Sequence[Step]) -> Iterator[Step]:
    """Control first; then the market as it came, the intents before the first event that is later than one of them.

    The topics are read side by side, so a read may hold an intent decided at a bar's close together with the open of
    the next bar, at which it has to execute. All intents are placed at once: each partition keeps its order.
    """
    waiting = [step for step in steps if isinstance(step.event, OrderIntent | CancelIntent)]
    earliest: dict[str, int] = {}
    for step in waiting:
        intent = step.event
        if isinstance(intent, OrderIntent | CancelIntent):
            earliest[intent.session] = min(intent.decided_at, earliest.get(intent.session, intent.decided_at))
    yield from (step for step in steps if not isinstance(step.event, OrderIntent | CancelIntent | MarketEvent))
    for step in steps:
        market = step.event
        if not isinstance(market, MarketEvent):
            continue
        if waiting and _follows(market, earliest.get(market.session)):
            yield from waiting
            waiting = []
        yield step
    yield from waiting


def _follows(market: MarketEvent, decided_at: int | None) -> bool:
    if decided_at is None:
        return False
    return market.ts > decided_at or (market.ts == decided_at and isinstance(market, BarOpened))


def _step(delivery: Delivery, now: int) -> Step:
    where = TopicPartition(delivery.topic, delivery.partition)
    try:
        event = decode(delivery.topic, delivery.value)
        _check_prices(event)
    except UndecodableMessageError as error:
        return Step(where, delivery.offset, _poison(delivery, str(error), now))
    return Step(where, delivery.offset, event, delivery.value)


def _check_prices(event: Event) -> None:
    match event:
        case BarOpened():
            prices: tuple[Decimal, ...] = (event.open,)
        case Bar():
            prices = (event.open, event.high, event.low, event.close)
        case Quote():
            prices = (event.bid, event.ask)
        case Trade():
            prices = (event.price,)
        case _:
            return
    if not all(price.is_finite() and price > 0 for price in prices):
        raise UndecodableMessageError(f"a market event of {event.instrument} has a price that is not a positive number")


def _poison(delivery: Delivery, reason: str, now: int) -> Poison:
    letter = DeadLetter(
        event_id=digest("dead", delivery.topic, delivery.partition, delivery.offset),
        occurred_at=now,
        topic=delivery.topic,
        partition=delivery.partition,
        offset=delivery.offset,
        source=SOURCE,
        reason=reason,
        payload=base64.b64encode(delivery.value).decode(),
    )
    of_a_runner = delivery.topic == topics.ORDERS_INTENTS.name
    return Poison(letter, _claimed_deployment(delivery.value) if of_a_runner else "")


class _Claim(msgspec.Struct):
    deployment_id: str = ""


def _claimed_deployment(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=_Claim).deployment_id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
