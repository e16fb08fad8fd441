"""Who has an account: list, invite, change. Callers audit and say that standings changed."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import sql
from psycopg.errors import UniqueViolation

from ...contracts.api.identity import NewUser, Preferences, Role, User, UserChange
from ...contracts.errors import ConflictError, InputError, NotFoundError
from ...contracts.ids import parse_name
from ..context import Connection

# Changes of who is admin wait for each other, so that two cannot remove the last one together.
_ADMINS = "SELECT pg_advisory_xact_lock(hashtextextended('millstream.admins', 0))"
_COLUMNS = "user_id, name, role, portfolios, active, totp_secret <> '', last_login, created_at"
_INSERT = (
    "INSERT INTO users (user_id, name, role, portfolios, active, password_hash, totp_secret, totp_pending, totp_step,"
    " external, language, time_zone, theme, created_at)"
    " VALUES (%s, %s, %s, %s, true, %s, '', '', 0, %s, 'en', 'UTC', 'dark', %s)"
)


def user_name(text: str) -> str:
    """The name as it is stored: in lower case. Raises :class:`InputError` for what cannot be a name."""
    return parse_name(text.strip().lower(), "user")


def listing(conn: Connection, after: str, limit: int) -> list[User]:
    """People by name, behind ``after``."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM users WHERE user_id > %s ORDER BY user_id LIMIT %s",  # noqa: S608 - fixed columns
        (after, limit),
    ).fetchall()
    return [_user(row) for row in rows]


def find(conn: Connection, user: str) -> User:
    """The person of that name. Raises :class:`NotFoundError`."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM users WHERE user_id = %s",  # noqa: S608 - fixed columns
        (user,),
    ).fetchone()
    if row is None:
        raise NotFoundError(f"there is nobody called {user!r}", hint="GET /api/v1/users lists everybody.")
    return _user(row)


def add(conn: Connection, new: NewUser, now: datetime, *, password_hash: str = "", external: str | None = None) -> User:
    """A new person. Raises :class:`ConflictError` for a taken name, :class:`InputError` for an impossible one."""
    user = user_name(new.user)
    portfolios = sorted({parse_name(one, "portfolio") for one in new.portfolios})
    try:
        conn.execute(_INSERT, (user, new.name or new.user, new.role.value, portfolios, password_hash, external, now))
    except UniqueViolation as error:
        raise ConflictError(f"the name {user!r} is taken", hint="Choose another name.") from error
    return find(conn, user)


def change(conn: Connection, user: str, wanted: UserChange) -> User:
    """Change the given fields. Raises :class:`ConflictError` when nobody would be left who can admit people."""
    conn.execute(_ADMINS)
    before = find(conn, user)
    fields: dict[str, Any] = wanted.model_dump(exclude_none=True, mode="json")
    if wanted.portfolios is not None:
        fields["portfolios"] = sorted({parse_name(one, "portfolio") for one in wanted.portfolios})
    loses = wanted.active is False or (wanted.role is not None and wanted.role is not Role.ADMIN)
    if before.role is Role.ADMIN and before.active and loses and not _other_admin(conn, user):
        raise ConflictError(f"{user} is the last active admin", hint="Make somebody else admin first.")
    _set(conn, user, fields)
    return find(conn, user)


def prefer(conn: Connection, user: str, wanted: Preferences) -> None:
    """Keep what a person likes. Raises :class:`InputError` for an unknown time zone."""
    if wanted.time_zone is not None:
        _check_zone(wanted.time_zone)
    _set(conn, user, wanted.model_dump(exclude_none=True))


def admin_exists(conn: Connection) -> bool:
    """Whether an active admin can log in."""
    return _other_admin(conn, "")


def clear_credentials(conn: Connection, user: str, now: datetime) -> None:
    """Password, second factor and keys of a person count no more."""
    conn.execute(
        "UPDATE users SET password_hash = '', totp_secret = '', totp_pending = '', totp_step = 0 WHERE user_id = %s",
        (user,),
    )
    conn.execute("UPDATE api_keys SET revoked_at = %s WHERE user_id = %s AND revoked_at IS NULL", (now, user))


def _other_admin(conn: Connection, user: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM users WHERE role = 'admin' AND active AND user_id <> %s"
        " AND (password_hash <> '' OR external IS NOT NULL) LIMIT 1",
        (user,),
    ).fetchone()
    return row is not None


def _set(conn: Connection, user: str, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        conn.execute(sql.SQL("UPDATE users SET {} = %s WHERE user_id = %s").format(sql.Identifier(name)), (value, user))


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(
            f"{name!r} is not a time zone", hint="Use a name such as Europe/Berlin, America/New_York or UTC."
        ) from error


def _user(row: tuple[Any, ...]) -> User:
    user, name, role, portfolios, active, enrolled, last_login, created_at = row
    return User(
        user=user,
        name=name,
        role=Role(role),
        portfolios=tuple(portfolios),
        active=active,
        second_factor=enrolled,
        last_login=last_login,
        created_at=created_at,
    )
