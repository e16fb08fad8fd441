"""The recipes of coming in: log in, redeem a link, refresh, give the second factor. Routes and pages share them.

Whatever is wrong of name, password and code gets one answer, after the same work.
"""

from datetime import datetime

import msgspec
from starlette.requests import HTTPConnection

from ...contracts.api.identity import Login, PasswordChange, Setup, Tokens
from ...contracts.time import to_datetime
from ..audit import record
from ..context import Connection, Gateway, gateway_of
from ..problems import ProblemError
from . import invitations, lockout, second_factor, sessions
from .access import Principal, address_of
from .identity import Identity, identity_of
from .limiting import Bucket, too_many
from .people import user_name
from .permissions import SECOND_FACTOR_ROLES
from .sessions import Opened, Place
from .tokens import ACCESS_SECONDS, Use


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    password_hash: str = ""
    enrolled: bool = False
    locked: int = 0


class Caller:
    """Who asks to come in, and what it takes to answer them."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.gateway: Gateway = gateway_of(connection)
        self.identity: Identity = identity_of(connection)
        self.address = address_of(connection)
        self.place = Place(
            address=self.address,
            agent=connection.headers.get("user-agent", ""),
            hours=self.gateway.settings.session_hours,
        )

    @property
    def now(self) -> datetime:
        return to_datetime(self.gateway.clock.now())

    async def count(self) -> None:
        """Count an attempt of this address. Raises a 429."""
        await self.identity.limiter.count(Bucket.LOGIN, self.address)

    def tokens(self, opened: Opened, *, enrol: bool = False) -> Tokens:
        """What a session gives its person: a new access token beside the refresh token."""
        left = int((opened.expires_at - self.now).total_seconds())
        seconds = max(1, min(ACCESS_SECONDS, left))
        return Tokens(
            access_token=self.identity.tokens.issue(Use.ACCESS, opened.user, opened.session, seconds),
            refresh_token=opened.refresh_token,
            expires_in=seconds,
            enrol_second_factor=enrol,
        )


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """A session that was opened or refreshed, and its tokens."""

    opened: Opened
    tokens: Tokens


async def log_in(connection: HTTPConnection, login: Login) -> Entered:
    """Open a session for name, password and code. Raises 401 for any wrong one and 429 after too many."""
    caller, user = Caller(connection), login.user.strip().lower()
    await caller.count()
    known = await caller.gateway.database(lambda conn: _known(conn, user, caller))
    if known.locked:
        raise too_many(known.locked, "failed logins")
    right = await caller.identity.passwords.matches(known.password_hash, login.password)
    renewed = ""
    if right and caller.identity.passwords.outdated(known.password_hash):
        renewed = await caller.identity.passwords.hash("\0", login.password)

    def work(conn: Connection) -> Opened | None:
        # Asked again: attempts at the same moment must not all pass the first question.
        locked = lockout.locked_seconds(conn, user, caller.address, caller.now)
        if locked or not right or (known.enrolled and not _spent(conn, caller, user, login.code)):
            _note_failure(conn, caller, user, "login.failed")
            return None
        lockout.succeeded(conn, user, caller.address)
        if renewed:
            conn.execute("UPDATE users SET password_hash = %s WHERE user_id = %s", (renewed, user))
        opened = sessions.open_session(conn, user, caller.place, caller.now, second_factor=known.enrolled)
        record(conn, user, "login", opened.session, {"second_factor": known.enrolled})
        return opened

    opened = await caller.gateway.database(work)
    if opened is None:
        raise _wrong()
    enrol = not known.enrolled and await caller.gateway.database(lambda conn: _must_enrol(conn, user))
    return Entered(opened=opened, tokens=caller.tokens(opened, enrol=enrol))


async def set_up(connection: HTTPConnection, setup: Setup) -> Entered:
    """Redeem a one-time link and open a session. Raises 401 for a link that does not count."""
    caller, user = Caller(connection), user_name(setup.user)
    await caller.count()
    if await caller.gateway.database(lambda conn: invitations.invited(conn, setup.token, caller.now)) is None:
        raise _void_link()
    password_hash = await caller.identity.passwords.hash(user, setup.password)

    def work(conn: Connection) -> Opened | None:
        if not invitations.redeem(conn, setup.token, user, password_hash, caller.now):
            conn.rollback()
            return None
        lockout.succeeded(conn, user, caller.address)
        opened = sessions.open_session(conn, user, caller.place, caller.now, second_factor=False)
        record(conn, user, "setup", opened.session)
        return opened

    opened = await caller.gateway.database(work)
    caller.identity.standings.forget()
    if opened is None:
        raise _void_link()
    enrol = await caller.gateway.database(lambda conn: _must_enrol(conn, user))
    return Entered(opened=opened, tokens=caller.tokens(opened, enrol=enrol))


async def refresh(connection: HTTPConnection, token: str) -> Entered:
    """New tokens for a refresh token, which is used up. Raises 401; an old token ends the session of its family."""
    caller = Caller(connection)

    def work(conn: Connection) -> sessions.Refreshed:
        found = sessions.refresh(conn, token, caller.now)
        if found.reused:
            record(conn, found.user, "session.reuse", "refresh token", {"effect": "session ended"})
        return found

    found = await caller.gateway.database(work)
    if found.reused:
        caller.identity.standings.forget()
    if found.opened is None:
        await caller.count()
        raise ProblemError(
            401,
            "UNAUTHENTICATED",
            "The session has ended",
            "The refresh token does not count (any more).",
            "Log in again.",
            headers={"WWW-Authenticate": 'Bearer realm="millstream"'},
        )
    return Entered(opened=found.opened, tokens=caller.tokens(found.opened))


async def give_code(connection: HTTPConnection, principal: Principal, code: str) -> None:
    """Enrol the offered second factor with its first code, or give a code of it for this session.

    Raises 422 for a wrong or used code and 429 after too many.
    """
    caller = Caller(connection)

    def work(conn: Connection) -> int | None:
        locked = lockout.locked_seconds(conn, principal.user, caller.address, caller.now)
        if locked:
            return locked
        if not _enrolled_or_spent(conn, caller, principal, code):
            _note_failure(conn, caller, principal.user, "second_factor.failed")
            return None
        lockout.succeeded(conn, principal.user, caller.address)
        sessions.gave_second_factor(conn, principal.session)
        record(conn, principal, "second_factor.given", principal.session)
        return 0

    locked = await caller.gateway.database(work)
    caller.identity.standings.forget()
    if locked is None:
        raise ProblemError(
            422,
            "WRONG_CODE",
            "The code does not count",
            "It is wrong, was used before, or no second factor was offered.",
            "Wait for the next code of your app; check the clock of your telephone.",
        )
    if locked:
        raise too_many(locked, "wrong codes")


async def change_password(connection: HTTPConnection, principal: Principal, wanted: PasswordChange) -> None:
    """Set a new password and end every session. Raises 401 for a wrong old one and 429 after too many."""
    caller = Caller(connection)
    await caller.count()
    known = await caller.gateway.database(lambda conn: _known(conn, principal.user, caller))
    if known.locked:
        raise too_many(known.locked, "wrong passwords")
    right = await caller.identity.passwords.matches(known.password_hash, wanted.old)
    fresh = await caller.identity.passwords.hash(principal.user, wanted.new) if right else ""

    def work(conn: Connection) -> None:
        if not right:
            _note_failure(conn, caller, principal.user, "password.failed")
            return
        lockout.succeeded(conn, principal.user, caller.address)
        conn.execute("UPDATE users SET password_hash = %s WHERE user_id = %s", (fresh, principal.user))
        sessions.revoke(conn, principal.user, caller.now)
        record(conn, principal, "password.changed", principal.user)

    await caller.gateway.database(work)
    caller.identity.standings.forget()
    if not right:
        raise ProblemError(
            422, "WRONG_PASSWORD", "The old password is wrong", hint="Type the password you log in with."
        )


def _known(conn: Connection, user: str, caller: Caller) -> _Known:
    locked = lockout.locked_seconds(conn, user, caller.address, caller.now)
    row = conn.execute(
        "SELECT password_hash, totp_secret <> '' FROM users WHERE user_id = %s AND active", (user,)
    ).fetchone()
    return _Known(locked=locked) if row is None else _Known(password_hash=row[0], enrolled=row[1], locked=locked)


def _spent(conn: Connection, caller: Caller, user: str, code: str) -> bool:
    return second_factor.spend(conn, caller.identity.keyring, user, code, caller.now)


def _enrolled_or_spent(conn: Connection, caller: Caller, principal: Principal, code: str) -> bool:
    if second_factor.enrol(conn, caller.identity.keyring, principal.user, code, caller.now):
        record(conn, principal, "second_factor.enrolled", principal.user)
        return True
    return _spent(conn, caller, principal.user, code)


def _note_failure(conn: Connection, caller: Caller, user: str, action: str) -> None:
    seconds = lockout.failed(conn, user, caller.address, caller.now)
    record(conn, user, action, user, {"locked_seconds": seconds})


def _must_enrol(conn: Connection, user: str) -> bool:
    row = conn.execute("SELECT role, totp_secret = '' FROM users WHERE user_id = %s", (user,)).fetchone()
    return row is not None and row[1] and row[0] in {role.value for role in SECOND_FACTOR_ROLES}


def _wrong() -> ProblemError:
    return ProblemError(
        401,
        "WRONG_CREDENTIALS",
        "Name, password or code is wrong",
        hint="Check all three; the code is needed once a second factor is set up. An admin can reset your login.",
        headers={"WWW-Authenticate": 'Bearer realm="millstream"'},
    )


def _void_link() -> ProblemError:
    return ProblemError(
        401,
        "VOID_LINK",
        "The link does not count (any more)",
        "It was used, has expired, or is for somebody else.",
        "Ask an admin for a new one.",
        headers={"WWW-Authenticate": 'Bearer realm="millstream"'},
    )
