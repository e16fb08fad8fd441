"""Latches that have tripped: what a deployment may not do until its day ends or a person re-arms it."""

from collections.abc import Iterator

from ...contracts.api.trading import Latch
from ...contracts.enums import ScopeKind
from ...contracts.time import to_datetime
from ...risk.day import RiskDay
from ...risk.limits import DAY_NS
from ..auth.access import Principal
from ..context import Connection
from .accounts import accounts
from .selection import Chosen, Wanted, choose

DAILY_LOSS = "daily_loss"
# Facts that risk remembers under other names are no latches: the day itself, the bracket of a position.
_TRIPPED = (
    "SELECT scope_id, value, ts FROM risk_latches WHERE scope = 'portfolio' AND name = 'day' AND scope_id = ANY(%s)"
    " AND jsonb_array_length(value -> 'tripped') > 0 ORDER BY ts DESC, scope_id"
)


def latches(conn: Connection, wanted: Wanted, principal: Principal, *, wall: int) -> list[Latch]:
    """The deployments whose daily loss latch tripped on the present day of their session, the newest first."""
    chosen = choose(conn, wanted, principal)
    rows = conn.execute(_TRIPPED, (chosen.portfolios,)).fetchall()
    loaded = accounts(conn, [row[0] for row in rows], wall=wall)
    found: list[Latch] = []
    for portfolio, value, ts in rows:
        day = RiskDay.from_value(value)
        if day.day == loaded[portfolio].now // DAY_NS:
            found += _tripped(day, chosen, ts)
    return found


def _tripped(day: RiskDay, chosen: Chosen, ts: int) -> Iterator[Latch]:
    for deployment in sorted(day.tripped & chosen.facts.keys()):
        value = {
            "start_equity": str(day.start_equity),
            "until": to_datetime((day.day + 1) * DAY_NS).isoformat(),
        }
        yield Latch(scope=ScopeKind.DEPLOYMENT, scope_id=deployment, name=DAILY_LOSS, value=value, time=to_datetime(ts))
