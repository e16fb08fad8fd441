"""People who come through another provider: their account here, and their session."""

import re

from starlette.requests import HTTPConnection

from ...contracts.api.identity import NewUser, Role
from ..audit import record
from ..context import Connection
from ..problems import ProblemError
from . import people, sessions
from .login import Caller, Entered
from .permissions import SECOND_FACTOR_ROLES
from .provider import Stranger
from .sessions import Opened

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_.@-]+")


async def enter(connection: HTTPConnection, stranger: Stranger) -> Entered:
    """Open a session for them, making their account at the first time. Raises 403 for a deactivated one.

    A local account is never taken over because the names are equal: what binds is issuer and subject.
    """
    caller = Caller(connection)
    await caller.count()

    def work(conn: Connection) -> tuple[Opened, bool] | None:
        row = conn.execute(
            "SELECT user_id, role, active, totp_secret <> '' FROM users WHERE external = %s FOR UPDATE",
            (stranger.external,),
        ).fetchone()
        if row is None:
            user, role, enrolled = _admit(conn, stranger, caller), stranger.role, False
        else:
            user, role, active, enrolled = row
            if not active:
                return None
            _follow(conn, user, Role(role), stranger.role)
            role = stranger.role
        opened = sessions.open_session(conn, user, caller.place, caller.now, second_factor=False)
        record(conn, user, "login", opened.session, {"provider": stranger.external, "role": role})
        return opened, not enrolled and Role(role) in SECOND_FACTOR_ROLES

    found = await caller.gateway.database(work)
    caller.identity.standings.forget()
    if found is None:
        raise ProblemError(403, "NO_ROLE", "Your account is deactivated", hint="Ask an admin.")
    opened, enrol = found
    return Entered(opened=opened, tokens=caller.tokens(opened, enrol=enrol))


def _follow(conn: Connection, user: str, before: Role, now: Role) -> None:
    if before is not now:
        conn.execute("UPDATE users SET role = %s WHERE user_id = %s", (now.value, user))
        record(conn, "provider", "user.changed", user, {"role": now, "before": before})


def _admit(conn: Connection, stranger: Stranger, caller: Caller) -> str:
    wanted = _NOT_IN_NAMES.sub("-", stranger.name.lower()).strip("-._@")[:56] or "person"
    taken = {name for (name,) in conn.execute("SELECT user_id FROM users WHERE starts_with(user_id, %s)", (wanted,))}
    user = next(name for name in (wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)
    new = NewUser(user=user, name=stranger.full_name, role=stranger.role)
    made = people.add(conn, new, caller.now, external=stranger.external)
    record(conn, "provider", "user.admitted", made.user, {"provider": stranger.external, "role": made.role})
    return made.user
