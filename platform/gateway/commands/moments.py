"""When a command is given, on the clock of the market it is for."""

from typing import NamedTuple

from ...contracts.errors import ConflictError
from ...market.lifetime import lifetime
from ..context import Connection

_SESSION = """SELECT s.clock, s.state, s.speed, s.timeframe, s.position,
 (SELECT max(m.ts) FROM marks m WHERE m.session = s.session_id) FROM market_sessions s WHERE s.session_id = %s"""


class Moment(NamedTuple):
    """When an order is decided and until when it may be sent: UTC ns on the session's clock."""

    decided_at: int
    expires_at: int


def moment(conn: Connection, session: str, *, wall: int, ttl_seconds: float) -> Moment:
    """Now on the clock of ``session``: ``wall``, or the newest market time that trading has seen of a replay.

    It lives ``ttl_seconds`` of wall time (:mod:`~millstream.market.lifetime`); no replay waits for an order by hand.
    Raises :class:`ConflictError` for a replay that is over, where nothing is executed any more.
    """
    row = conn.execute(_SESSION, (session,)).fetchone()
    if row is None or row[0] == "wall":
        return Moment(wall, wall + lifetime(ttl_seconds, clock="wall", timeframe="", speed=0))
    _, state, speed, timeframe, position, marked = row
    if state == "completed":
        raise ConflictError(
            f"the replay {session!r} is over: nothing is executed there any more",
            hint="Deploy on a market that is open: GET /api/v1/market-sessions lists them.",
        )
    now = int(marked if marked is not None else position)
    return Moment(now, now + lifetime(ttl_seconds, clock="market", timeframe=timeframe, speed=speed))
