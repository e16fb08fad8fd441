"""Indicator values as a strategy saw them at its decisions."""

from collections.abc import Iterable

from ...contracts.api.trading import IndicatorPoint
from ...contracts.time import to_datetime
from ..auth.access import Principal
from ..context import Connection
from .selection import Wanted, deployment

Decision = tuple[str, str, int]
"""Deployment, instrument and market time (UTC ns) of a decision."""

_PAGE = (
    "SELECT instrument, ts, values FROM indicators WHERE deployment_id = %(deployment)s"
    " AND instrument = ANY(%(instruments)s) AND ts >= %(start)s AND ts < %(end)s"
    " AND (ts, instrument) > (%(ts)s, %(instrument)s) ORDER BY ts, instrument LIMIT %(limit)s"
)
_AT = (
    "SELECT i.deployment_id, i.instrument, i.ts, i.values"
    " FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS asked (deployment_id, instrument, ts)"
    " JOIN indicators i USING (deployment_id, instrument, ts)"
)
_FOREVER = 2**63 - 1


def points(
    conn: Connection,
    wanted: Wanted,
    principal: Principal,
    *,
    after: tuple[int, str] | None = None,
    limit: int,
) -> list[tuple[tuple[int, str], IndicatorPoint]]:
    """Values of one deployment (``wanted`` names it) with their keys, the oldest first.

    Raises :class:`NotFoundError` for a deployment that the principal does not see.
    """
    (name,) = wanted.deployments
    facts = deployment(conn, name, principal)
    values = {
        "deployment": facts.deployment,
        "instruments": [wanted.instrument] if wanted.instrument else list(facts.instruments),
        "start": wanted.start if wanted.start is not None else 0,
        "end": wanted.end if wanted.end is not None else _FOREVER,
        "ts": after[0] if after else -1,
        "instrument": after[1] if after else "",
        "limit": limit,
    }
    return [
        ((ts, instrument), IndicatorPoint(time=to_datetime(ts), instrument=instrument, values=found))
        for instrument, ts, found in conn.execute(_PAGE, values).fetchall()
    ]


def at(conn: Connection, decisions: Iterable[Decision]) -> dict[Decision, dict[str, float]]:
    """Values at these decisions, of those that have any."""
    wanted = sorted(set(decisions))
    if not wanted:
        return {}
    columns = [list(column) for column in zip(*wanted, strict=True)]
    return {(name, key, ts): values for name, key, ts, values in conn.execute(_AT, columns).fetchall()}
