"""What people do with their own account and what admins do with others', each with its audit row.

Every function works in one transaction; what changes a standing is forgotten by the caller (:func:`changed`).
"""

from datetime import datetime
from typing import TypeVar

from ...contracts.api.identity import (
    ApiKey,
    Delegation,
    Invitation,
    Me,
    NewApiKey,
    NewUser,
    Preferences,
    SecondFactorOffer,
    User,
    UserChange,
)
from ...contracts.errors import ConflictError
from ..audit import record
from ..context import Connection
from . import invitations, keys, people, second_factor, sessions
from .access import Principal
from .credentials import forbidden, unauthenticated
from .identity import Identity
from .tokens import Use

LONGEST_DELEGATION = 12 * 3600
Result = TypeVar("Result")


def at_a_login(principal: Principal) -> None:
    """Raise a 403 for keys and screens: what decides over an account needs its person at a login of their own."""
    if principal.key or principal.delegated:
        raise forbidden(
            "A key or a screen cannot change how you log in.", "Log in to the gateway and use the page /account."
        )


def describe(conn: Connection, principal: Principal) -> Me:
    """Who is logged in, with what they like."""
    row = conn.execute(
        "SELECT name, language, time_zone, theme FROM users WHERE user_id = %s", (principal.user,)
    ).fetchone()
    if row is None:
        raise unauthenticated()
    return Me(
        user=principal.user,
        name=row[0],
        role=principal.role,
        permissions=tuple(sorted(principal.permissions)),
        portfolios=tuple(sorted(principal.portfolios)),
        second_factor=principal.enrolled,
        language=row[1],
        time_zone=row[2],
        theme=row[3],
    )


def prefer(conn: Connection, principal: Principal, wanted: Preferences) -> Me:
    """Keep what a person likes."""
    people.prefer(conn, principal.user, wanted)
    record(conn, principal, "preferences.changed", principal.user, wanted.model_dump(exclude_none=True))
    return describe(conn, principal)


def log_out(conn: Connection, principal: Principal, now: datetime, *, everywhere: bool) -> None:
    """End this session, or every one of the person."""
    if not principal.session and not everywhere:
        raise ConflictError("an API key has no session", hint="Revoke the key instead: DELETE /api/v1/keys/{key_id}.")
    ended = sessions.revoke(conn, principal.user, now, session="" if everywhere else principal.session)
    action = "logout.everywhere" if everywhere else "logout"
    record(conn, principal, action, principal.user if everywhere else principal.session, {"sessions": ended})


def delegate(conn: Connection, identity: Identity, principal: Principal, now: datetime) -> Delegation:
    """A token for a screen. It ends with the session, and after 12 h at the latest."""
    row = conn.execute(
        "SELECT expires_at FROM login_sessions WHERE session_id = %s AND revoked_at IS NULL", (principal.session,)
    ).fetchone()
    if row is None:
        raise forbidden("Only a login can be delegated.", "Log in, or give the screen an API key of its own.")
    seconds = max(1, min(LONGEST_DELEGATION, int((row[0] - now).total_seconds())))
    record(conn, principal, "session.delegated", principal.session)
    token = identity.tokens.issue(Use.DELEGATED, principal.user, principal.session, seconds)
    return Delegation(access_token=token, expires_in=seconds)


def offer_second_factor(conn: Connection, identity: Identity, principal: Principal) -> SecondFactorOffer:
    """A new secret to enrol; whoever has one in use must have given a code of it."""
    at_a_login(principal)
    if principal.enrolled and not principal.second_factor:
        raise forbidden("You have a second factor.", "Give a code of it first: PUT /api/v1/me/second-factor.")
    record(conn, principal, "second_factor.offered", principal.user)
    return second_factor.offer(conn, identity.keyring, principal.user)


def create_key(conn: Connection, principal: Principal, wanted: NewApiKey, now: datetime) -> ApiKey:
    """A new API key of the person."""
    at_a_login(principal)
    keys.check_scopes(principal, wanted.scopes)
    made = keys.create(conn, principal.user, wanted, now)
    record(conn, principal, "key.created", made.key_id, {"name": made.name, "scopes": list(made.scopes)})
    return made


def revoke_key(conn: Connection, principal: Principal, key_id: str, now: datetime) -> None:
    """End an API key of the person."""
    keys.revoke(conn, principal.user, key_id, now)
    record(conn, principal, "key.revoked", key_id)


def invite(conn: Connection, principal: Principal, new: NewUser, base_url: str, now: datetime) -> Invitation:
    """A new person, with the link by which they choose a password."""
    made = people.add(conn, new, now)
    record(conn, principal, "user.invited", made.user, {"role": made.role, "portfolios": list(made.portfolios)})
    return invitations.invite(conn, made.user, base_url, now)


def change(conn: Connection, principal: Principal, user: str, wanted: UserChange, now: datetime) -> User:
    """Change a person; who is deactivated is logged out everywhere."""
    changed = people.change(conn, user, wanted)
    if not changed.active:
        sessions.revoke(conn, user, now)
    record(conn, principal, "user.changed", user, wanted.model_dump(exclude_none=True, mode="json"))
    return changed


def reset(conn: Connection, principal: Principal, user: str, base_url: str, now: datetime) -> Invitation:
    """A new link for somebody who lost password or telephone: nothing they had counts any more."""
    found = people.find(conn, user)
    if found.user == principal.user:
        raise ConflictError("you would lock yourself out", hint="Change your password, or let another admin do it.")
    people.clear_credentials(conn, user, now)
    sessions.revoke(conn, user, now)
    record(conn, principal, "user.reset", user)
    return invitations.invite(conn, user, base_url, now)
