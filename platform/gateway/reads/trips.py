"""Round trips of a selection, the newest first, from as few fills as that takes."""

import heapq
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from ..context import Connection
from .roundtrips import Fact, RoundTrip, walk
from .selection import Chosen

FIRST_CHUNK = 64
LARGEST_CHUNK = 4096
STILL_OPEN = 2**63 - 1

Keys = tuple[int, str, str, int]
"""Closing time (UTC ns; ``STILL_OPEN``), portfolio, instrument, version of the last fill: what trips are sorted by."""


class Trip(NamedTuple):
    """A round trip and whose it is."""

    keys: Keys
    trip: RoundTrip

    @property
    def portfolio(self) -> str:
        return self.keys[1]

    @property
    def instrument(self) -> str:
        return self.keys[2]


class Pair(msgspec.Struct, frozen=True):
    """A portfolio and an instrument it ever traded; ``version`` is where the walk begins, ``position`` behind it."""

    portfolio: str
    instrument: str
    position: Decimal
    version: int
    partial: bool


_COLUMNS = (
    "portfolio_version, trade_id, order_id, intent_id, leg, deployment_id, session,"
    " CASE side WHEN 'buy' THEN quantity ELSE -quantity END, price, fee, ts"
)
_CHUNK = (
    f"SELECT {_COLUMNS} FROM fills WHERE portfolio_id = %s AND instrument = %s AND portfolio_version <= %s"  # noqa: S608 - own texts
    " ORDER BY portfolio_version DESC LIMIT %s"
)
_PAIRS = (
    "SELECT portfolio_id, instrument, quantity FROM positions WHERE portfolio_id = ANY(%s)"
    " AND (%s = '' OR instrument = %s) ORDER BY portfolio_id, instrument"
)
# The newest fill that is not later than the moment, and what was bought and sold since.
_BEHIND = (
    "SELECT portfolio_version FROM fills WHERE portfolio_id = %(portfolio)s AND instrument = %(instrument)s"
    " AND ts <= %(ts)s ORDER BY ts DESC, portfolio_version DESC LIMIT 1"
)
_SINCE = (
    "SELECT coalesce(sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END), 0) FROM fills"
    " WHERE portfolio_id = %(portfolio)s AND instrument = %(instrument)s AND portfolio_version > %(version)s"
)


def trips(
    conn: Connection, chosen: Chosen, *, instrument: str = "", before: int | None = None, after: Keys | None = None
) -> Iterator[Trip]:
    """Trips of the chosen portfolios: the open ones first, then as they were closed, the newest first.

    ``before`` (market time, UTC ns) leaves out what was closed then or later, and what is open. ``after`` goes on
    behind a trip. Fills are read as the iterator is; use ``conn`` for nothing else meanwhile.
    """
    limit = after[0] if after is not None else STILL_OPEN
    if before is not None:
        limit = min(limit, before)
    pairs = _pairs(conn, chosen.portfolios, instrument)
    if limit < STILL_OPEN:
        pairs = [_behind(conn, pair, limit) for pair in pairs]
    found = heapq.merge(*(_of_pair(conn, pair) for pair in pairs), key=lambda one: one.keys, reverse=True)
    for one in found:
        if (after is None or one.keys < after) and (before is None or one.keys[0] < before):
            yield one


def _pairs(conn: Connection, portfolios: Iterable[str], instrument: str) -> list[Pair]:
    rows = conn.execute(_PAIRS, (list(portfolios), instrument, instrument)).fetchall()
    return [Pair(portfolio, key, quantity, STILL_OPEN, partial=False) for portfolio, key, quantity in rows]


def _behind(conn: Connection, pair: Pair, ts: int) -> Pair:
    """The pair as it stood at market time ``ts``: a trade that was open then is not to be seen."""
    values = {"portfolio": pair.portfolio, "instrument": pair.instrument, "ts": ts}
    (version,) = conn.execute(_BEHIND, values).fetchone() or (-1,)
    (since,) = conn.execute(_SINCE, {**values, "version": version}).fetchone() or (0,)
    return Pair(pair.portfolio, pair.instrument, pair.position - since, version, partial=True)


def _of_pair(conn: Connection, pair: Pair) -> Iterator[Trip]:
    for trip in walk(_fills(conn, pair), pair.position, partial=pair.partial):
        last = trip.parts[-1].fill
        closed = STILL_OPEN if trip.open_quantity else last.ts
        yield Trip((closed, pair.portfolio, pair.instrument, last.version), trip)


def _fills(conn: Connection, pair: Pair) -> Iterator[Fact]:
    """Fills of the pair, the newest first, in chunks that grow: most walks need few of them."""
    version, chunk = pair.version, FIRST_CHUNK
    while True:
        rows = conn.execute(_CHUNK, (pair.portfolio, pair.instrument, version, chunk)).fetchall()
        for row in rows:
            yield Fact(*row)
        if len(rows) < chunk:
            return
        version, chunk = rows[-1][0] - 1, min(4 * chunk, LARGEST_CHUNK)
