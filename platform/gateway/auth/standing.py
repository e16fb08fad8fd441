"""How somebody stands right now: their role, and whether their session or key still counts.

Asked on every request, so that a revoked session, a changed role or a deactivated person has effect at once: a change
through this process clears the memory, one through another process is seen after :data:`MEMORY_SECONDS` at the latest.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from ...contracts.api.identity import Permission, Role
from ...contracts.clock import Clock
from ...contracts.time import SECOND, to_datetime
from ..context import Connection, Gateway

MEMORY_SECONDS = 2
MOST_REMEMBERED = 10_000

_SESSION = """
SELECT u.user_id, u.role, u.portfolios, u.totp_secret <> '', s.second_factor, s.expires_at, NULL, ''
FROM login_sessions s JOIN users u USING (user_id)
WHERE s.session_id = %s AND s.revoked_at IS NULL AND s.expires_at > %s AND u.active
"""
_KEY = """
SELECT u.user_id, u.role, u.portfolios, u.totp_secret <> '', false, k.expires_at, k.scopes, k.secret_hash
FROM api_keys k JOIN users u USING (user_id)
WHERE k.key_id = %s AND k.revoked_at IS NULL AND k.expires_at > %s AND u.active
"""
# Written once a minute, not with every request.
_USED = {
    "session": "UPDATE login_sessions SET last_used = %(now)s"
    " WHERE session_id = %(id)s AND last_used < %(now)s - interval '1 minute'",
    "key": "UPDATE api_keys SET last_used = %(now)s"
    " WHERE key_id = %(id)s AND coalesce(last_used < %(now)s - interval '1 minute', true)",
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A person through a session (``scopes`` None) or a key. ``enrolled``: they have a second factor set up."""

    user: str
    role: Role
    portfolios: frozenset[str]
    enrolled: bool
    second_factor: bool
    expires_at: datetime
    scopes: frozenset[Permission] | None = None
    secret_hash: str = ""


class Standings:
    """Standings by session and by key, from the database or remembered for :data:`MEMORY_SECONDS`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._clock: Clock = gateway.clock
        self._known: dict[tuple[str, str], tuple[int, Standing]] = {}
        self._changes = 0

    async def session(self, session: str) -> Standing | None:
        """Who is behind a login session; None when it ended."""
        return await self._of("session", session)

    async def key(self, key: str) -> Standing | None:
        """Who is behind an API key; None when it is unknown, expired or revoked."""
        return await self._of("key", key)

    def forget(self) -> None:
        """Something changed about people, sessions or keys: ask the database again."""
        self._changes += 1
        self._known.clear()

    async def _of(self, kind: str, identifier: str) -> Standing | None:
        found = self._known.get((kind, identifier))
        now = self._clock.monotonic()
        if found is not None and now - found[0] < MEMORY_SECONDS * SECOND:
            return found[1]
        changes = self._changes
        standing = await self._gateway.database(_loading(kind, identifier, to_datetime(self._clock.now())))
        # A change made while the database answered must not be forgotten again by remembering the older answer.
        if standing is not None and changes == self._changes:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[kind, identifier] = (now, standing)
        return standing


def _loading(kind: str, identifier: str, now: datetime) -> Callable[[Connection], Standing | None]:
    def work(conn: psycopg.Connection[Any]) -> Standing | None:
        row = conn.execute(_KEY if kind == "key" else _SESSION, (identifier, now)).fetchone()
        if row is None:
            return None
        conn.execute(_USED[kind], {"id": identifier, "now": now})
        user, role, portfolios, enrolled, second_factor, expires_at, scopes, secret_hash = row
        return Standing(
            user=user,
            role=Role(role),
            portfolios=frozenset(portfolios),
            enrolled=enrolled,
            second_factor=second_factor,
            expires_at=expires_at,
            scopes=None if scopes is None else frozenset(map(Permission, scopes)),
            secret_hash=secret_hash,
        )

    return work
