"""Intents that were refused, and why."""

from ...contracts.api.trading import Rejection
from ...contracts.time import to_datetime
from ..auth.access import Principal
from ..context import Connection
from .listing import Condition, Listing, Row, read
from .selection import Wanted, choose

LISTING = Listing(
    columns="decision_id, intent_id, deployment_id, portfolio_id, instrument, stage, code, scope, observed,"
    " limit_value, message, ts",
    table="decisions",
    owner="deployment_id",
    keys=("ts", "decision_id"),
)
_SAME = ("instrument", "stage", "code", "scope", "observed", "message")


def rejections(
    conn: Connection,
    wanted: Wanted,
    principal: Principal,
    *,
    code: str = "",
    after: tuple[int, str] | None = None,
    limit: int,
) -> list[tuple[tuple[int, str], Rejection]]:
    """Decisions against an intent with their keys, the newest first."""
    more: list[Condition] = [("NOT approved", ()), *([("code = %s", (code,))] if code else [])]
    chosen = choose(conn, wanted, principal)
    rows = read(conn, LISTING, chosen, wanted, after=after, limit=limit, more=more)
    return [((row["ts"], row["decision_id"]), rejection(row)) for row in rows]


def rejection(row: Row) -> Rejection:
    """The answer of a row of ``decisions``."""
    return Rejection(
        **{name: row[name] for name in _SAME},
        intent=row["intent_id"],
        deployment=row["deployment_id"],
        portfolio=row["portfolio_id"],
        limit=row["limit_value"],
        time=to_datetime(row["ts"]),
    )


def rejected_since(conn: Connection, deployments: list[str] | None, wall: int) -> int:
    """How many intents of these deployments (``None``: all) were refused since ``wall`` (UTC ns)."""
    text = "SELECT count(*) FROM decisions WHERE NOT approved AND decided_wall >= %s"
    if deployments is None:
        row = conn.execute(text, (wall,)).fetchone()
    else:
        row = conn.execute(f"{text} AND deployment_id = ANY(%s)", (wall, deployments)).fetchone()
    return int(row[0]) if row else 0
