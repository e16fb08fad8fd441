"""Trades: round trips with what the strategy saw when it decided their entry and their exit."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from ...contracts.api.trading import Trade
from ...contracts.enums import Side
from ...contracts.ids import MANUAL_TAG, digest
from ...contracts.time import to_datetime
from ..auth.access import Principal
from ..context import Connection
from . import indicators
from .roundtrips import Fact
from .selection import Chosen, Facts, Wanted, choose
from .tags import tags_of
from .trips import STILL_OPEN, Keys, Trip, trips

BATCH = 500


class Decided(NamedTuple):
    """What is known of the decisions behind a number of trades, by order id, intent id and mark."""

    decided_at: dict[str, int]
    tags: dict[str, str]
    marks: dict[tuple[str, str], Decimal]
    indicators: dict[indicators.Decision, dict[str, float]]


def trades(
    conn: Connection,
    wanted: Wanted,
    principal: Principal,
    *,
    is_open: bool | None = None,
    after: Keys | None = None,
    limit: int,
) -> list[tuple[Keys, Trade]]:
    """Trades with their keys: the open ones first, then as they were closed, the newest first.

    ``start`` and ``end`` of ``wanted`` are compared with the time of the close; an open trade's is its opening.
    """
    chosen = choose(conn, wanted, principal)
    found = list(islice(selected(conn, chosen, wanted, is_open=is_open, after=after), limit))
    return [(trip.keys, made) for trip, made in zip(found, as_trades(conn, chosen, found), strict=True)]


def every(conn: Connection, wanted: Wanted, principal: Principal, *, is_open: bool | None = None) -> Iterator[Trade]:
    """All trades of a selection, in batches as they are asked for: for an export."""
    chosen = choose(conn, wanted, principal)
    found = selected(conn, chosen, wanted, is_open=is_open)
    while batch := list(islice(found, BATCH)):
        yield from as_trades(conn, chosen, batch)


def selected(
    conn: Connection, chosen: Chosen, wanted: Wanted, *, is_open: bool | None = None, after: Keys | None = None
) -> Iterator[Trip]:
    """Trips that ``wanted`` asks for. It stops at the first that was closed before its start."""
    before = wanted.end if is_open is False else None
    for one in trips(conn, chosen, instrument=wanted.instrument, before=before, after=after):
        still_open = one.keys[0] == STILL_OPEN
        if is_open is True and not still_open:
            return
        time = one.trip.entry.ts if still_open else one.keys[0]
        if not still_open and wanted.start is not None and time < wanted.start:
            return
        early = wanted.start is not None and time < wanted.start
        late = wanted.end is not None and time >= wanted.end
        if not early and not late and not (still_open and is_open is False):
            yield one


def as_trades(conn: Connection, chosen: Chosen, found: Sequence[Trip]) -> list[Trade]:
    """The answers of trips, with their decisions read at once."""
    owners = {one.portfolio: one for one in chosen.facts.values()}
    known = _decided(conn, owners, found)
    return [_trade(owners[one.portfolio], one, known) for one in found]


def _trade(facts: Facts, one: Trip, known: Decided) -> Trade:
    trip = one.trip
    pnl = trip.pnl(known.marks.get((facts.session, one.instrument)))
    notional = trip.entered * trip.entry_price
    return Trade(
        trade=digest("trade", one.portfolio, one.instrument, trip.entry.version),
        deployment=facts.deployment,
        portfolio=one.portfolio,
        instrument=one.instrument,
        session=facts.session,
        target=facts.target,
        side=Side.BUY if trip.sign > 0 else Side.SELL,
        quantity=trip.entered,
        entry_price=trip.entry_price,
        exit_price=trip.exit_price,
        opened_at=to_datetime(trip.entry.ts),
        closed_at=to_datetime(trip.exit.ts) if trip.exit is not None else None,
        pnl=pnl,
        fees=trip.fees,
        currency=facts.currency,
        **{"return": float(pnl / notional) if notional else 0.0},
        reason=_reason(trip.exit, known),
        indicators=_seen(one.instrument, trip.entry, known),
        exit_indicators=_seen(one.instrument, trip.exit, known),
    )


def _reason(fill: Fact | None, known: Decided) -> str:
    """Why it was closed: the protective order that did it, the tag of the order, or the strategy."""
    if fill is None:
        return ""
    return fill.leg.partition(".")[0] or known.tags.get(fill.intent_id, "") or "strategy"


def _seen(instrument: str, fill: Fact | None, known: Decided) -> dict[str, float]:
    decision = None if fill is None else _decision(instrument, fill, known.decided_at, known.tags)
    return known.indicators.get(decision, {}) if decision is not None else {}


def _decision(
    instrument: str, fill: Fact, decided_at: dict[str, int], tags: dict[str, str]
) -> indicators.Decision | None:
    """Where the strategy decided the order of a fill; a protective or a manual order was not decided by it."""
    by_hand = tags.get(fill.intent_id, "").startswith(MANUAL_TAG)
    if fill.leg or by_hand or fill.order_id not in decided_at:
        return None
    return fill.deployment, instrument, decided_at[fill.order_id]


def _decided(conn: Connection, owners: dict[str, Facts], found: Sequence[Trip]) -> Decided:
    ends = [(one.instrument, fill) for one in found for fill in (one.trip.entry, one.trip.exit) if fill is not None]
    orders = sorted({fill.order_id for _, fill in ends})
    rows = conn.execute("SELECT order_id, decided_at FROM orders WHERE order_id = ANY(%s)", (orders,)).fetchall()
    decided_at = dict(rows)
    tags = tags_of(conn, (fill.intent_id for _, fill in ends if not fill.leg))
    asked = [_decision(instrument, fill, decided_at, tags) for instrument, fill in ends]
    values = indicators.at(conn, (one for one in asked if one is not None))
    open_ = {(owners[one.portfolio].session, one.instrument) for one in found if one.trip.open_quantity}
    return Decided(decided_at, tags, _marks(conn, sorted(open_)), values)


def _marks(conn: Connection, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Decimal]:
    if not wanted:
        return {}
    sessions, instruments = zip(*wanted, strict=True)
    rows = conn.execute(
        "SELECT m.session, m.instrument, m.price FROM unnest(%s::text[], %s::text[]) AS asked (session, instrument)"
        " JOIN marks m USING (session, instrument)",
        (list(sessions), list(instruments)),
    ).fetchall()
    return {(session, instrument): price for session, instrument, price in rows}
