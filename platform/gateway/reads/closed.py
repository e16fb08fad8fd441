"""How many round trips portfolios have closed: counted once, then followed fill by fill."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from ...contracts.money import ZERO
from ..context import Connection
from .accounts import Account

REMEMBERED = 10_000
_PAIRS = "SELECT portfolio_id, instrument FROM positions WHERE portfolio_id = ANY(%s)"
# Of each pair the fills since: how often they brought it to zero or beyond, what is held now, the newest version.
_NEW = """SELECT portfolio_id, instrument, count(*) FILTER (WHERE after - signed <> 0
  AND sign(after) <> sign(after - signed)), base + sum(signed), max(version)
 FROM (SELECT known.portfolio_id, known.instrument, known.base, f.version, f.signed,
   known.base + sum(f.signed) OVER (PARTITION BY known.portfolio_id, known.instrument ORDER BY f.version) AS after
  FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::numeric[]) AS known (portfolio_id, instrument, version, base),
  LATERAL (SELECT portfolio_version AS version, CASE side WHEN 'buy' THEN quantity ELSE -quantity END AS signed
   FROM fills WHERE portfolio_id = known.portfolio_id AND instrument = known.instrument
   AND portfolio_version > known.version ORDER BY portfolio_version) AS f) AS walked
 GROUP BY portfolio_id, instrument, base"""


class Count(msgspec.Struct, frozen=True):
    """Round trips closed up to ``version`` of a portfolio, and what it held of each instrument then."""

    version: int = 0
    closed: int = 0
    held: dict[str, Decimal] = {}


class ClosedTrades:
    """Counts by portfolio. A portfolio is told from another of its name by when it was opened. Safe among threads."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, float], Count] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, conn: Connection, accounts: Sequence[Account]) -> dict[str, int]:
        """Closed round trips by portfolio id, as of the versions of ``accounts``."""
        with self._lock:
            known = {one.portfolio: self._counts.get((one.portfolio, one.opened), Count()) for one in accounts}
        behind = [one for one in accounts if known[one.portfolio].version < one.version]
        known |= _followed(conn, {one.portfolio: known[one.portfolio] for one in behind})
        with self._lock:
            for one in behind:
                self._counts[one.portfolio, one.opened] = known[one.portfolio]
            while len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
        return {name: count.closed for name, count in known.items()}


def _followed(conn: Connection, behind: dict[str, Count]) -> dict[str, Count]:
    """These counts with the fills that came since."""
    pairs = conn.execute(_PAIRS, (list(behind),)).fetchall() if behind else []
    if not pairs:
        return behind
    names, instruments = zip(*pairs, strict=True)
    versions = [behind[name].version for name in names]
    bases = [behind[name].held.get(instrument, ZERO) for name, instrument in pairs]
    rows = conn.execute(_NEW.encode(), (list(names), list(instruments), versions, bases)).fetchall()
    found = dict(behind)
    for name, instrument, closed, held, version in rows:
        count = found[name]
        found[name] = Count(max(count.version, version), count.closed + closed, {**count.held, instrument: held})
    return found


CLOSED_TRADES = ClosedTrades()
"""The process's own."""
