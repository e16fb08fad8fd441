"""Equity of several portfolios from the database, at a resolution that keeps a curve small."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ...contracts.time import to_datetime
from ..context import Connection
from .curves import Point

DAY, HOUR, MINUTE = "day", "hour", "minute"
_BEGIN, _END = datetime.fromisoformat("0001-01-01T00:00:00Z"), datetime.fromisoformat("9999-12-31T00:00:00Z")
BUCKET = "date_trunc({}, ts - interval '1 microsecond')"
"""SQL of the bucket of a row; a slice that closes at a bucket's very end belongs to it."""
_LAST = f"""SELECT DISTINCT ON (portfolio_id, bucket) portfolio_id,
 {BUCKET.format("%(bucket)s")} AS bucket, ts, equity FROM equity
 WHERE portfolio_id = ANY(%(portfolios)s) AND ts > %(start)s AND ts <= %(end)s
 ORDER BY portfolio_id, bucket, ts DESC"""  # noqa: S608 - own texts
_BEFORE = """SELECT f.portfolio_id, coalesce((SELECT e.equity FROM equity e WHERE e.portfolio_id = f.portfolio_id
 AND e.ts <= %(start)s ORDER BY e.ts DESC LIMIT 1), f.initial_cash) FROM portfolios f
 WHERE f.portfolio_id = ANY(%(portfolios)s)"""
_SPAN = """SELECT min(ts), max(ts) FROM equity
 WHERE portfolio_id = ANY(%(portfolios)s) AND ts > %(start)s AND ts <= %(end)s"""


def curves(
    conn: Connection, portfolios: Sequence[str], start: int | None, end: int | None, bucket: str
) -> dict[str, list[Point]]:
    """The last equity of each bucket by portfolio, of slices that closed in (``start``, ``end``] (UTC ns)."""
    values = {**_period(portfolios, start, end), "bucket": bucket}
    found: defaultdict[str, list[Point]] = defaultdict(list)
    for portfolio, begin, at, equity in conn.execute(_LAST.encode(), values).fetchall():
        found[portfolio].append(Point(begin, at, equity))
    return found


def initial(conn: Connection, portfolios: Sequence[str], start: int | None) -> Mapping[str, Decimal]:
    """Equity by portfolio as of ``start`` (UTC ns): its initial cash before its first slice."""
    return dict(conn.execute(_BEFORE.encode(), _period(portfolios, start, None)).fetchall())


def resolution(conn: Connection, portfolios: Sequence[str], start: int | None, end: int | None) -> str:
    """The bucket of the curve of a period (:func:`bucket_for`)."""
    first, last = conn.execute(_SPAN.encode(), _period(portfolios, start, end)).fetchone() or (None, None)
    return bucket_for(last - first if first is not None and last is not None else timedelta())


def bucket_for(span: timedelta) -> str:
    """The bucket by which a curve from first to last slice has a few thousand points (decades of days aside)."""
    if span > timedelta(days=90):
        return DAY
    return HOUR if span > timedelta(days=2) else MINUTE


def _period(portfolios: Sequence[str], start: int | None, end: int | None) -> dict[str, object]:
    return {
        "portfolios": list(portfolios),
        "start": to_datetime(start) if start is not None else _BEGIN,
        "end": to_datetime(end) if end is not None else _END,
    }
