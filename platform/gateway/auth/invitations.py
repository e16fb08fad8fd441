"""One-time links: for the first admin, for invited people, and for those who lost password or telephone."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg

from ...contracts.api.identity import Invitation, NewUser, Role
from ...contracts.clock import Clock
from ...contracts.errors import ConflictError
from ...contracts.time import to_datetime
from ..audit import record
from ..context import Connection
from . import people, sessions
from .credentials import hashed

LASTS = timedelta(hours=24)
FIRST_ADMIN = ""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('millstream.first_admin', 0))"


def first_admin_link(conn: psycopg.Connection[Any], clock: Clock, base_url: str) -> str | None:
    """A fresh link with which the first admin chooses name and password; None when an active admin exists.

    It counts once, for 24 h, and makes earlier such links void. Commits by itself.
    """
    with conn.transaction():
        conn.execute(_LOCK)
        if people.admin_exists(conn):
            return None
        link, _ = _new(conn, FIRST_ADMIN, base_url, to_datetime(clock.now()))
        record(conn, "millstream", "admin.link", "first admin")
    conn.commit()
    return link


def renewal_link(conn: psycopg.Connection[Any], clock: Clock, base_url: str, user: str, actor: str) -> str:
    """A link with which ``user`` chooses a new password and second factor, for an operator of the machine to give out.

    For the only admin, whom nobody else can reset: what they have counts until the link is used. Raises
    :class:`NotFoundError`, and :class:`ConflictError` for somebody who was deactivated. Commits by itself.
    """
    with conn.transaction():
        if not people.find(conn, user).active:
            raise ConflictError(f"{user} was deactivated", hint="An admin activates people: PATCH /api/v1/users/NAME.")
        link, _ = _new(conn, user, base_url, to_datetime(clock.now()))
        record(conn, actor, "admin.link", user)
    conn.commit()
    return link


def invite(conn: Connection, user: str, base_url: str, now: datetime) -> Invitation:
    """A link for ``user``, who must exist; earlier ones are void."""
    link, expires_at = _new(conn, user, base_url, now)
    return Invitation(user=people.find(conn, user), link=link, expires_at=expires_at)


def invited(conn: Connection, token: str, now: datetime) -> str | None:
    """Whom a link is for (empty: the first admin); None when it does not count (any more)."""
    row = conn.execute(
        "SELECT user_id FROM invitations WHERE token_hash = %s AND expires_at > %s", (hashed(token), now)
    ).fetchone()
    return None if row is None else str(row[0])


def redeem(conn: Connection, token: str, user: str, password_hash: str, now: datetime) -> bool:
    """Use up a link: the person has that password from now on, and nothing else that they had before.

    Their sessions and keys end, and their second factor has to be set up anew. False when the link does not count for
    ``user``: roll back then.
    """
    conn.execute(_LOCK)
    row = conn.execute(
        "DELETE FROM invitations WHERE token_hash = %s AND expires_at > %s AND user_id = ANY(%s) RETURNING user_id",
        (hashed(token), now, [user, FIRST_ADMIN]),
    ).fetchone()
    if row is None:
        return False
    if row[0] == FIRST_ADMIN:
        if people.admin_exists(conn):
            return False
        people.add(conn, NewUser(user=user, role=Role.ADMIN), now, password_hash=password_hash)
        return True
    people.clear_credentials(conn, user, now)
    sessions.revoke(conn, user, now)
    return bool(
        conn.execute(
            "UPDATE users SET password_hash = %s WHERE user_id = %s AND active", (password_hash, user)
        ).rowcount
    )


def _new(conn: Connection, user: str, base_url: str, now: datetime) -> tuple[str, datetime]:
    conn.execute("DELETE FROM invitations WHERE user_id = %s OR expires_at < %s", (user, now))
    token, expires_at = secrets.token_urlsafe(32), now + LASTS
    conn.execute("INSERT INTO invitations VALUES (%s, %s, %s, %s)", (hashed(token), user, now, expires_at))
    return f"{base_url.rstrip('/')}/setup?{urlencode({'token': token})}", expires_at
