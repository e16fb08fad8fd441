"""Whether the other processes of this installation live: seen from the database, which each of them works with."""

from ...contracts.errors import RetriableError
from ..context import Connection

_SILENT_SECONDS = 15.0
# Both look at the database at least every second, also when there is nothing to do.
_LAST = (
    "SELECT extract(epoch FROM clock_timestamp() - max(state_change))::float8 FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = %s"
)


def trading(conn: Connection) -> str:
    """When the trading service was last at work. Raises :class:`RetriableError` when it is not."""
    return _at_work(conn, "millstream-trading", "the trading service")


def supervisor(conn: Connection) -> str:
    """When the supervisor was last at work. Raises :class:`RetriableError` when it is not."""
    return _at_work(conn, "millstream-supervisor", "the supervisor")


def market(conn: Connection) -> str:
    """Whether the live market is open. Raises :class:`RetriableError` when it is not."""
    row = conn.execute(
        "SELECT cardinality(instruments) FROM market_sessions WHERE session_id = '' AND state = 'running'"
    ).fetchone()
    if row is None:
        raise RetriableError("the live market is closed", hint="`millstream up` runs the market service.")
    return f"live, {row[0]} instruments"


def _at_work(conn: Connection, name: str, what: str) -> str:
    row = conn.execute(_LAST, (name,)).fetchone()
    silent = row[0] if row is not None else None
    if silent is None or silent > _SILENT_SECONDS:
        raise RetriableError(f"{what} is not at work", hint="`millstream up` runs it; see its log.")
    return f"at work {silent:.1f} s ago"
