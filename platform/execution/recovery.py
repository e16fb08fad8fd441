"""The only way to start: from what the database holds, whatever happened before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ..bus.base import EventBus, Record, TopicPartition
from ..contracts.clock import Clock
from ..contracts.instrument import Instrument
from . import loading
from .core import Matcher, TradingCore, no_matching
from .failpoints import Failpoints
from .journal import Journal, take_fence
from .publisher import Publisher
from .state import positions
from .tally import Tally
from .turn import Parts, Turn
from .venues.base import Venue
from .venues.paper_venue import PaperVenue

Connection = psycopg.AsyncConnection[Any]
VenueFactory = Callable[[dict[str, Instrument]], Venue]


@dataclass(frozen=True, slots=True)
class Recovered:
    """A trading core that stands where the last commit left it: ``offsets`` are those of the last handled records."""

    parts: Parts
    epoch: int
    offsets: dict[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What recovery works with. ``patience`` (seconds) is how long another instance may take to end its turn."""

    bus: EventBus
    clock: Clock
    venue: VenueFactory
    failpoints: Failpoints
    holder: str
    patience: float = 5.0
    tally: Tally = field(default_factory=Tally)


async def recover(conn: Connection, around: Surroundings, publisher: Publisher, *, epoch: int | None) -> Recovered:
    """Take the fence, load everything, let the venue settle what was on its way, hand over what was not published.

    ``epoch`` is the one this process had before its last failure. Raises :class:`FencedError` when another instance
    has taken over since.
    """
    mine = await take_fence(conn, around.holder, expected=epoch, patience=around.patience)
    state = await loading.load_all(conn)
    venue = around.venue(state.instruments)
    match: Matcher = no_matching
    if isinstance(venue, PaperVenue):
        venue.book.restore(state.orders, positions(state.accounts.values()))
        match = venue.book.on_market
    parts = Parts(
        core=TradingCore(state, match=match),
        journal=Journal(conn, epoch=mine, failpoints=around.failpoints),
        venue=venue,
        publisher=publisher,
        conn=conn,
        clock=around.clock,
        failpoints=around.failpoints,
        tally=around.tally,
    )
    await _sweep(conn, publisher)
    await Turn(parts).resolve()
    return Recovered(parts, mine, await loading.load_offsets(conn))


async def _sweep(conn: Connection, publisher: Publisher) -> None:
    cursor = await conn.execute("SELECT sequence, topic, key, payload FROM outbox ORDER BY sequence")
    rows = await cursor.fetchall()
    if rows:
        await publisher.put([Record(topic, key, bytes(payload)) for _, topic, key, payload in rows], rows[-1][0])
