"""What every feed is, how one is made by name, and how its events reach the bus."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from ...bus.base import EventBus, Record, TopicPartitionOffset
from ...contracts.clock import Clock
from ...contracts.codec import encode
from ...contracts.errors import InputError, RetriableError
from ...contracts.events import MarketEvent
from ...contracts.ids import digest
from ...contracts.instrument import Instrument
from ...contracts.topics import MARKET_RAW_DATA

if TYPE_CHECKING:
    import pandas as pd

Publish = Callable[[Sequence[MarketEvent]], Awaitable[Sequence[TopicPartitionOffset]]]


class Feed(ABC):
    """One source of market events for one session.

    ``session`` is ``""`` for the live market, else the id of a replay; ``instruments`` are keys; ``timeframe`` is that
    of the bars. A feed publishes for each instrument ``BarOpened``, ``Bar`` and ``Watermark`` as docs/architecture.md
    says, besides quotes and trades where it has them, with a ``sequence`` that grows strictly per instrument.
    """

    session: str
    instruments: tuple[str, ...]
    timeframe: str

    @abstractmethod
    async def run(self, publish: Publish) -> None:
        """Publish until the market ends (replays) or the task is cancelled.

        Raises :class:`RetriableError` for a passing fault: run again, it goes on where the market is then.
        """

    def definitions(self) -> Sequence[Instrument]:
        """Instruments that the feed itself defines, to be registered before it runs."""
        return ()

    def adopt(self, instrument: Instrument) -> bool:
        """Take up a registered instrument from now on, also while the feed runs; False where the feed cannot serve it.

        One that it carries already stays as it is: True.
        """
        return instrument.key in self.instruments

    def backfill(self, last: int | None, end: int) -> "Mapping[str, pd.DataFrame]":
        """Candle frames by instrument of what happened before the feed begins, up to ``end`` (UTC ns).

        ``last``: open time up to which the store has candles of all instruments, None when it has none. Blocks.
        """
        del last, end
        return {}


@dataclass(frozen=True, slots=True)
class FeedContext:
    """What a feed may need to be made; ``options`` are texts as a person wrote them."""

    dsn: str
    clock: Clock
    options: Mapping[str, str] = field(default_factory=dict)


FeedFactory = Callable[[FeedContext], Feed]
_factories: dict[str, FeedFactory] = {}


def register_feed(name: str) -> Callable[[FeedFactory], FeedFactory]:
    """Decorator: make a factory known as ``name``. Raises ``ValueError`` when the name is taken."""

    def register(factory: FeedFactory) -> FeedFactory:
        if name in _factories:
            msg = f"a feed {name!r} is registered already"
            raise ValueError(msg)
        _factories[name] = factory
        return factory

    return register


def feed_names() -> list[str]:
    """Names that :func:`create_feed` knows."""
    return sorted(_factories)


def create_feed(name: str, context: FeedContext) -> Feed:
    """The feed called ``name``. Raises :class:`InputError` with near matches for an unknown name."""
    factory = _factories.get(name)
    if factory is None:
        near = difflib.get_close_matches(name, _factories, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Feeds are: {', '.join(feed_names())}."
        raise InputError(f"there is no feed {name!r}", hint=hint)
    return factory(context)


def check_options(name: str, options: Mapping[str, str], known: Sequence[str]) -> None:
    """Raise :class:`InputError` for an option that the feed ``name`` does not have."""
    for option in options:
        if option not in known:
            raise InputError(f"feed {name!r} has no option {option!r}", hint=f"Its options: {', '.join(known)}.")


def number_option(name: str, options: Mapping[str, str], option: str, default: float) -> float:
    """A numeric option. Raises :class:`InputError` when it is no number."""
    text = options.get(option)
    try:
        return default if text is None else float(text)
    except ValueError as error:
        raise InputError(f"feed {name!r}: {option}={text} is not a number", hint=f"For example {option}=1.") from error


def wire(value: float) -> Decimal:
    """A stored float on the wire: its shortest text, unrounded, so that a replay is exact."""
    return Decimal(repr(float(value)))


def event_id(kind: str, session: str, instrument: str, sequence: int) -> str:
    """Id of a market event: the same for the same event, however often it is published."""
    return digest(kind, session, instrument, sequence)


def bus_publisher(bus: EventBus) -> Publish:
    """Publish to ``market.raw.data``, keyed by instrument."""

    async def publish(events: Sequence[MarketEvent]) -> Sequence[TopicPartitionOffset]:
        return await bus.publish([Record(MARKET_RAW_DATA.name, event.instrument, encode(event)) for event in events])

    return publish


def persistent(publish: Publish, clock: Clock, patience: float = 60.0, pause: float = 0.2) -> Publish:
    """``publish``, tried again through :class:`RetriableError` for ``patience`` seconds: duplicates are harmless."""

    async def publish_persistently(events: Sequence[MarketEvent]) -> Sequence[TopicPartitionOffset]:
        deadline = clock.monotonic() + round(patience * 1e9)
        while True:
            try:
                return await publish(events)
            except RetriableError:
                if clock.monotonic() >= deadline:
                    raise
            await clock.sleep(pause)

    return publish_persistently
