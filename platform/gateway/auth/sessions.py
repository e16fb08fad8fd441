"""Login sessions: opened by a login, kept by rotating refresh tokens, ended at once for every token of theirs."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from ...contracts.api.identity import LoginSession
from ..context import Connection
from .credentials import hashed

KEPT_AFTER_END = timedelta(days=30)
_LONGEST_AGENT = 200


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A session with its newest refresh token; this is the only time that token is readable."""

    user: str
    session: str
    refresh_token: str
    expires_at: datetime


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody logs in from, and for how long."""

    address: str
    agent: str
    hours: float


def open_session(conn: Connection, user: str, place: Place, now: datetime, *, second_factor: bool) -> Opened:
    """A new session; what ended long ago is removed on the way."""
    conn.execute("DELETE FROM login_sessions WHERE expires_at < %s", (now - KEPT_AFTER_END,))
    session, expires_at = secrets.token_hex(16), now + timedelta(hours=place.hours)
    conn.execute(
        "INSERT INTO login_sessions (session_id, user_id, second_factor, address, agent, created_at, last_used,"
        " expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (session, user, second_factor, place.address, place.agent[:_LONGEST_AGENT], now, now, expires_at),
    )
    conn.execute("UPDATE users SET last_login = %s WHERE user_id = %s", (now, user))
    token = _new_refresh_token(conn, session, now)
    return Opened(user=user, session=session, refresh_token=token, expires_at=expires_at)


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a refresh token: ``opened`` when it counts; ``reused`` when it was used before."""

    opened: Opened | None = None
    reused: bool = False
    user: str = ""


def refresh(conn: Connection, token: str, now: datetime) -> Refreshed:
    """Replace a refresh token. One that was used before ends its session: somebody else has it too."""
    row = conn.execute(
        "SELECT r.session_id, r.used_at, s.user_id, s.expires_at,"
        " s.revoked_at IS NULL AND u.active AND s.expires_at > %s"
        " FROM refresh_tokens r JOIN login_sessions s USING (session_id) JOIN users u USING (user_id)"
        " WHERE r.token_hash = %s FOR UPDATE OF r, s",
        (now, hashed(token)),
    ).fetchone()
    if row is None:
        return Refreshed()
    session, used_at, user, expires_at, valid = row
    if used_at is not None:
        revoke(conn, user, now, session=session)
        return Refreshed(reused=True, user=user)
    if not valid:
        return Refreshed(user=user)
    conn.execute("UPDATE refresh_tokens SET used_at = %s WHERE token_hash = %s", (now, hashed(token)))
    conn.execute("UPDATE login_sessions SET last_used = %s WHERE session_id = %s", (now, session))
    fresh = _new_refresh_token(conn, session, now)
    return Refreshed(opened=Opened(user=user, session=session, refresh_token=fresh, expires_at=expires_at), user=user)


def revoke(conn: Connection, user: str, now: datetime, *, session: str = "") -> int:
    """End one session of a person, or all of them; how many ended."""
    return conn.execute(
        "UPDATE login_sessions SET revoked_at = %(now)s WHERE user_id = %(user)s AND revoked_at IS NULL"
        " AND (%(session)s = '' OR session_id = %(session)s)",
        {"now": now, "user": user, "session": session},
    ).rowcount


def gave_second_factor(conn: Connection, session: str) -> None:
    """The session gave a code of the second factor."""
    conn.execute("UPDATE login_sessions SET second_factor = true WHERE session_id = %s", (session,))


def listing(user: str, current: str, now: datetime) -> Callable[[Connection], list[LoginSession]]:
    """The sessions of a person that last, the newest first."""

    def work(conn: Connection) -> list[LoginSession]:
        rows = conn.execute(
            "SELECT session_id, created_at, last_used, address, agent FROM login_sessions"
            " WHERE user_id = %s AND revoked_at IS NULL AND expires_at > %s ORDER BY created_at DESC, session_id",
            (user, now),
        ).fetchall()
        return [
            LoginSession(
                session=row[0],
                created_at=row[1],
                last_used=row[2],
                address=row[3],
                agent=row[4],
                current=row[0] == current,
            )
            for row in rows
        ]

    return work


def _new_refresh_token(conn: Connection, session: str, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    conn.execute(
        "INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES (%s, %s, %s)",
        (hashed(token), session, now),
    )
    return token
