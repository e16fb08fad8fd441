"""Present drawdowns: how far equity stands below its peak, of one portfolio or of several summed. One definition.

The curve is the summed equity of the portfolios as reports have it: at the closes of slices (of a long curve at those
of hours or days, :func:`~.series.bucket_for`), from the initial cash on, and at this moment. A report walks the curve
of its period for all its drawdowns (:func:`~.curves.declines`); the present one needs the peak alone, which is read
once and then followed. Only portfolios of one target and currency are summed: the caller sees to it.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from ...contracts.money import ZERO
from ..context import Connection
from . import series
from .accounts import Account
from .curves import Point, depth
from .peaks import Peak

REMEMBERED = 10_000
MOST_CHANGES = 200_000
_BEGIN = datetime.fromisoformat("0001-01-01T00:00:00Z")
_FIRST = (
    "SELECT name, (SELECT ts FROM equity WHERE portfolio_id = name ORDER BY ts LIMIT 1) FROM unnest(%s::text[]) AS name"
)
_NEW = f"""SELECT number, name, newer.bucket, newer.ts, newer.equity
 FROM unnest(%s::int[], %s::text[], %s::timestamptz[], %s::text[]) AS known (number, name, since, resolution),
 LATERAL (SELECT DISTINCT ON (bucket) {series.BUCKET.format("resolution")} AS bucket, ts, equity FROM equity
  WHERE portfolio_id = name AND ts >= since ORDER BY bucket, ts DESC) AS newer ORDER BY number, name, newer.bucket"""  # noqa: S608 - own texts

Key = tuple[tuple[str, float], ...]
"""The portfolios of a curve; when each was opened tells it from another of its name."""


class Followed(NamedTuple):
    """The peak of a curve that begins at ``first`` and has a point for each ``bucket``."""

    bucket: str
    first: datetime
    peak: Peak


class Drawdowns:
    """Present drawdowns by selection. Safe among threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Followed] = OrderedDict()
        self._changes = 0
        self._lock = threading.Lock()

    def of(self, conn: Connection, groups: Sequence[Sequence[Account]]) -> list[float]:
        """The drawdown of each group, its equity summed, as a fraction of the peak (0 at the peak)."""
        keys = [tuple(sorted((one.portfolio, one.opened) for one in group)) for group in groups]
        with self._lock:
            known = [self._known.get(key) for key in keys]
        followed = _followed(conn, _begun(conn, groups, known))
        with self._lock:
            for key, found in zip(keys, followed, strict=True):
                if found is not None:
                    self._remember(key, found)
        return [_present(group, found) for group, found in zip(groups, followed, strict=True)]

    def _remember(self, key: Key, found: Followed) -> None:
        before = self._known.pop(key, None)
        self._known[key] = found
        self._changes += len(found.peak.changes) - (len(before.peak.changes) if before is not None else 0)
        while len(self._known) > REMEMBERED or (self._changes > MOST_CHANGES and len(self._known) > 1):
            self._changes -= len(self._known.popitem(last=False)[1].peak.changes)


def _begun(
    conn: Connection, groups: Sequence[Sequence[Account]], known: Sequence[Followed | None]
) -> list[Followed | None]:
    """What each group is followed from: what is known, or its beginning. None without a single slice."""
    fresh = [
        {one.portfolio for one in group if one.noted_at and (before is None or one.portfolio not in before.peak.newest)}
        for group, before in zip(groups, known, strict=True)
    ]
    first = dict(conn.execute(_FIRST, (sorted(set().union(*fresh)),)).fetchall()) if any(fresh) else {}
    found: list[Followed | None] = []
    for group, before, names in zip(groups, known, fresh, strict=True):
        begins = [first[name] for name in names] + ([before.first] if before is not None else [])
        if not begins:
            found.append(None)
            continue
        begin, end = min(begins), max(one.noted_at for one in group if one.noted_at)
        bucket = series.bucket_for(end - begin)
        initial = {one.portfolio: one.initial_cash for one in group}
        keep = before is not None and before.bucket == bucket
        found.append(Followed(bucket, begin, before.peak if keep and before is not None else Peak.of(initial)))
    return found


def _followed(conn: Connection, begun: Sequence[Followed | None]) -> list[Followed | None]:
    """With the slices that closed since, read at once. The newest one is read again: it may have been corrected."""
    asked = [
        (number, name, one.peak.newest[name].at if name in one.peak.newest else _BEGIN, one.bucket)
        for number, one in enumerate(begun)
        if one is not None
        for name in one.peak.standing
    ]
    if not asked:
        return list(begun)
    points: defaultdict[int, defaultdict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    columns = [list(column) for column in zip(*asked, strict=True)]
    for number, name, bucket, at, equity in conn.execute(_NEW.encode(), columns).fetchall():
        points[number][name].append(Point(bucket, at, equity))
    return [
        one._replace(peak=one.peak.followed(points[number])) if one is not None else None
        for number, one in enumerate(begun)
    ]


def _present(group: Iterable[Account], followed: Followed | None) -> float:
    equity, initial = ZERO, ZERO
    for one in group:
        equity += one.equity
        initial += one.initial_cash
    peak = followed.peak.highest if followed is not None else initial
    return depth(equity, max(peak, equity))


DRAWDOWNS = Drawdowns()
"""The process's own."""
