"""Failed attempts lock a name at an address, longer each time, whether or not anybody has that name."""

from datetime import datetime, timedelta

from ..context import Connection

FREE_FAILURES = 5
FIRST_SECONDS = 30
LONGEST_SECONDS = 3600
FORGOTTEN = timedelta(days=1)


def locked_seconds(conn: Connection, user: str, address: str, now: datetime) -> int:
    """How long the name may not be tried from this address; 0: it may be tried now."""
    row = conn.execute(
        "SELECT locked_until FROM login_failures WHERE user_id = %s AND address = %s", (user, address)
    ).fetchone()
    if row is None or row[0] <= now:
        return 0
    return int((row[0] - now).total_seconds()) + 1


def failed(conn: Connection, user: str, address: str, now: datetime) -> int:
    """Count a failure; the seconds it is locked for from now on. Rows of old failures are removed on the way."""
    conn.execute("DELETE FROM login_failures WHERE last_at < %s", (now - FORGOTTEN,))
    row = conn.execute(
        "INSERT INTO login_failures VALUES (%(user)s, %(address)s, 1, %(now)s, %(now)s)"
        " ON CONFLICT (user_id, address) DO UPDATE SET failures = login_failures.failures + 1, last_at = %(now)s"
        " RETURNING failures",
        {"user": user, "address": address, "now": now},
    ).fetchone()
    seconds = _seconds(row[0] if row else 1)
    if seconds:
        conn.execute(
            "UPDATE login_failures SET locked_until = %s WHERE user_id = %s AND address = %s",
            (now + timedelta(seconds=seconds), user, address),
        )
    return seconds


def succeeded(conn: Connection, user: str, address: str) -> None:
    """The count starts again."""
    conn.execute("DELETE FROM login_failures WHERE user_id = %s AND address = %s", (user, address))


def _seconds(failures: int) -> int:
    if failures < FREE_FAILURES:
        return 0
    return min(LONGEST_SECONDS, FIRST_SECONDS << min(failures - FREE_FAILURES, 10))
