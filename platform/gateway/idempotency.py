"""Idempotency keys: a command that is sent again under its key is answered again, not carried out again.

A key belongs to one user and one address of a command, for 24 hours. Only an answer of success is kept: what was
refused took no effect and may be tried again under the same key.
"""

import hashlib
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from fastapi import Header
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb
from starlette.requests import Request
from starlette.responses import Response

from .auth.access import principal_of
from .context import Connection, gateway_of
from .problems import ProblemError

KEPT = timedelta(hours=24)
# A gateway that ended in the middle of a command leaves its key claimed: after this time another may take it over.
CLAIM = timedelta(minutes=2)
# What these take or give is secret or shown once: neither it nor a hash of it is stored.
SECRET = frozenset(
    {
        "change_password",
        "confirm_second_factor",
        "create_key",
        "delegate",
        "invite_user",
        "offer_second_factor",
        "reset_user",
    }
)
# Without a login there is no user to keep a key for.
WITHOUT_USER = frozenset({"login", "refresh", "setup"})
_KEPT_HEADERS = ("content-type", "etag", "location")

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes it safe to send the command again: the same key and body are answered, not repeated.",
        examples=["6f2b1c9e-place-1"],
    ),
]


class Stored(Exception):  # noqa: N818 - it carries an answer, nothing went wrong
    """The command was carried out before: this is what it answered."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Claim(msgspec.Struct, frozen=True):
    """The row of ``idempotency`` that a command in hand holds."""

    user: str
    route: str
    key: str
    secret: bool


async def claim(request: Request, key: Key = None) -> None:
    """Dependency of every command, behind the one that lets it pass: claim the key, or find the stored answer.

    Raises ``409`` for a key that goes with another body, or whose command is still being carried out.
    """
    route = request.scope["route"]
    if key is None or not isinstance(route, APIRoute) or route.operation_id in WITHOUT_USER:
        return
    wanted = Claim(
        principal_of(request).user,
        f"{request.method} {request.url.path}",
        key,
        route.operation_id in SECRET,
    )
    body = b"" if wanted.secret else await request.body()
    fingerprint = hashlib.sha256(body + b"\0" + request.url.query.encode()).hexdigest()
    found = await gateway_of(request).database(lambda conn: _claim(conn, wanted, fingerprint))
    if found is None:
        request.state.claim = wanted
        return
    raise Stored(_answer_again(found, fingerprint))


async def settle(request: Request, response: Response | None) -> None:
    """Keep the answer of a command, or free its key where it was refused or failed (``None``)."""
    held: Claim | None = getattr(request.state, "claim", None)
    if held is None:
        return
    if response is None or response.status_code >= 300:
        await gateway_of(request).database(lambda conn: _free(conn, held))
        return
    body = b"" if held.secret else bytes(response.body)
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    await gateway_of(request).database(lambda conn: _keep(conn, held, response.status_code, headers, body))


def given_key(request: Request) -> str:
    """The idempotency key of a command, empty without one: what is made under it can be named after user and key."""
    held: Claim | None = getattr(request.state, "claim", None)
    return "" if held is None else held.key


class _Found(msgspec.Struct, frozen=True):
    fingerprint: str
    status: int | None
    headers: dict[str, str]
    body: bytes
    secret: bool


def _claim(conn: Connection, wanted: Claim, fingerprint: str) -> _Found | None:
    """None when the key is now ours, else what is known of it."""
    names: dict[str, Any] = {
        "user": wanted.user,
        "route": wanted.route,
        "key": wanted.key,
        "fingerprint": fingerprint,
        "kept": KEPT,
        "claim": CLAIM,
    }
    with conn.transaction():
        ours = conn.execute(
            "INSERT INTO idempotency AS i (user_id, route, key, fingerprint, headers, body, created_at)"
            " VALUES (%(user)s, %(route)s, %(key)s, %(fingerprint)s, '{}', '', now())"
            " ON CONFLICT (user_id, route, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = NULL,"
            " headers = '{}', body = '', created_at = now()"
            " WHERE i.created_at < now() - %(kept)s::interval"
            " OR (i.status IS NULL AND i.fingerprint = excluded.fingerprint"
            " AND i.created_at < now() - %(claim)s::interval) RETURNING 1",
            names,
        ).fetchone()
        if ours is not None:
            return None
        row = conn.execute(
            "SELECT fingerprint, status, headers, body FROM idempotency"
            " WHERE user_id = %(user)s AND route = %(route)s AND key = %(key)s",
            names,
        ).fetchone()
    if row is None:
        # It was freed between the two statements: whoever held it failed, and this request may be sent again.
        return _Found(fingerprint, None, {}, b"", wanted.secret)
    return _Found(row[0], row[1], row[2], bytes(row[3]), wanted.secret)


def _answer_again(found: _Found, fingerprint: str) -> Response:
    title = "The idempotency key is taken"
    if found.fingerprint != fingerprint:
        raise ProblemError(
            409, "IDEMPOTENCY_CONFLICT", title, "It was used for another request.", "Use a new key for a new command."
        )
    if found.status is None:
        raise ProblemError(
            409,
            "IDEMPOTENCY_CONFLICT",
            title,
            "Its command is still being carried out.",
            "Send the same request again in a moment to get its answer.",
            headers={"Retry-After": "1"},
        )
    if found.secret:
        raise ProblemError(
            409,
            "IDEMPOTENCY_CONFLICT",
            title,
            "Its command took effect, and the answer is shown only once.",
            "Use a new key to do it again.",
        )
    return Response(found.body, found.status, {**found.headers, "Idempotent-Replayed": "true"})


def _keep(conn: Connection, held: Claim, status: int, headers: dict[str, str], body: bytes) -> None:
    with conn.transaction():
        conn.execute(
            "UPDATE idempotency SET status = %s, headers = %s, body = %s"
            " WHERE user_id = %s AND route = %s AND key = %s",
            (status, Jsonb(headers), body, held.user, held.route, held.key),
        )


def _free(conn: Connection, held: Claim) -> None:
    with conn.transaction():
        conn.execute(
            "DELETE FROM idempotency WHERE user_id = %s AND route = %s AND key = %s", (held.user, held.route, held.key)
        )


def forget_old(conn: Connection) -> int:
    """Delete keys older than 24 hours and return how many there were."""
    with conn.transaction():
        return conn.execute("DELETE FROM idempotency WHERE created_at < now() - %s::interval", (KEPT,)).rowcount
