"""API keys: shown once, kept as a hash, scoped, expiring."""

from datetime import datetime, timedelta
from typing import Any

from ...contracts.api.identity import ApiKey, NewApiKey, Permission
from ...contracts.errors import NotFoundError
from ..context import Connection
from .access import Principal
from .credentials import forbidden, new_key

NEVER_IN_A_KEY = frozenset({Permission.PUBLIC, Permission.LIVE})


def check_scopes(principal: Principal, scopes: tuple[Permission, ...]) -> None:
    """Raise a 403 when somebody asks for more than they have, or for what no key may do."""
    beyond = sorted(scope.value for scope in set(scopes) - (principal.permissions - NEVER_IN_A_KEY))
    if beyond:
        raise forbidden(
            f"A key of {principal.user} cannot have the scopes {', '.join(beyond)}.",
            "Ask only for permissions that you have; live trading is never armed by a key.",
        )


def create(conn: Connection, user: str, wanted: NewApiKey, now: datetime) -> ApiKey:
    """A new key; the answer is the only place where it stands."""
    key_id, key, secret_hash = new_key()
    scopes = tuple(sorted(set(wanted.scopes)))
    expires_at = now + timedelta(days=wanted.days)
    conn.execute(
        "INSERT INTO api_keys (key_id, user_id, name, secret_hash, scopes, created_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (key_id, user, wanted.name, secret_hash, [scope.value for scope in scopes], now, expires_at),
    )
    return ApiKey(
        key_id=key_id, name=wanted.name, user=user, scopes=scopes, created_at=now, expires_at=expires_at, key=key
    )


def listing(conn: Connection, user: str) -> list[ApiKey]:
    """The keys of a person that are not revoked, the newest first."""
    rows = conn.execute(
        "SELECT key_id, name, user_id, scopes, created_at, expires_at, last_used FROM api_keys"
        " WHERE user_id = %s AND revoked_at IS NULL ORDER BY created_at DESC, key_id",
        (user,),
    ).fetchall()
    return [_key(row) for row in rows]


def revoke(conn: Connection, user: str, key_id: str, now: datetime) -> None:
    """End a key. Raises :class:`NotFoundError` for one that is not theirs."""
    ended = conn.execute(
        "UPDATE api_keys SET revoked_at = %s WHERE key_id = %s AND user_id = %s AND revoked_at IS NULL",
        (now, key_id, user),
    )
    if not ended.rowcount:
        raise NotFoundError(f"there is no key {key_id!r}", hint="GET /api/v1/keys lists yours.")


def _key(row: tuple[Any, ...]) -> ApiKey:
    key_id, name, user, scopes, created_at, expires_at, last_used = row
    return ApiKey(
        key_id=key_id,
        name=name,
        user=user,
        scopes=tuple(map(Permission, scopes)),
        created_at=created_at,
        expires_at=expires_at,
        last_used=last_used,
    )
