"""The audit: who did what to which thing, when and from where.

The address is set on the connection before the work of a request (:func:`stamp`), and the column's default reads it:
whoever writes an audit row, in whatever layer, need not know of HTTP.
"""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.types.json import Jsonb
from pydantic import Field

from ..contracts.api.base import Page, Request, Time
from ..contracts.api.identity import AuditEntry
from .pagination import Cursor, Limit, keys_of, page

if TYPE_CHECKING:
    from .auth.access import Principal

# Beyond every sequence: the first page begins with the newest entry.
_NEWEST = 2**63 - 1

_address: ContextVar[str] = ContextVar("millstream_address", default="")
_stamped: "WeakKeyDictionary[psycopg.Connection[Any], str]" = WeakKeyDictionary()


def comes_from(address: str) -> None:
    """Say where the request that this task serves comes from."""
    _address.set(address)


def stamp(conn: psycopg.Connection[Any]) -> None:
    """Make the address of this task's request that of the audit rows written over ``conn`` from now on.

    It costs a statement only when the connection last served another address.
    """
    address = _address.get()
    if _stamped.get(conn, "") == address:
        return
    conn.execute("SELECT set_config('millstream.address', %s, false)", (address,))
    # Committed, or a later rollback would take it back.
    conn.commit()
    _stamped[conn] = address


def record(
    conn: psycopg.Connection[Any],
    principal: "Principal | str",
    action: str,
    subject: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Write an audit row within the transaction of ``conn``; ``details`` must hold no secret.

    ``principal`` may be a name where nobody is logged in (a failed login).
    """
    if isinstance(principal, str):
        actor, extra = principal, {}
    else:
        actor, extra = principal.user, {"key": principal.key} if principal.key else {}
    conn.execute(
        "INSERT INTO audit (at, actor, action, subject, details) VALUES (clock_timestamp(), %s, %s, %s, %s)",
        (actor, action, subject, Jsonb({**(details or {}), **extra})),
    )


class Filter(Request):
    """What to show of the audit: by person, by action (``halt`` means every ``halt.…`` too), by thing, by time."""

    actor: str = Field(default="", max_length=200)
    action: str = Field(default="", max_length=200, examples=["login"])
    subject: str = Field(default="", max_length=200)
    start: Time | None = None
    end: Time | None = None
    limit: Limit = 100
    cursor: Cursor = ""


def listing(conn: psycopg.Connection[Any], wanted: Filter) -> Page[AuditEntry]:
    """The entries that match, the newest first. Raises :class:`InputError` for a foreign cursor."""
    before = keys_of(wanted.cursor, tuple[int])
    rows = conn.execute(
        "SELECT sequence, at, actor, action, subject, address, details FROM audit"
        " WHERE (%(actor)s = '' OR actor = %(actor)s)"
        " AND (%(action)s = '' OR action = %(action)s OR starts_with(action, %(action)s || '.'))"
        " AND (%(subject)s = '' OR subject = %(subject)s)"
        " AND at >= coalesce(%(start)s::timestamptz, '-infinity') AND at < coalesce(%(end)s::timestamptz, 'infinity')"
        " AND sequence < %(before)s ORDER BY sequence DESC LIMIT %(limit)s",
        {
            "actor": wanted.actor,
            "action": wanted.action,
            "subject": wanted.subject,
            "start": wanted.start,
            "end": wanted.end,
            "before": before[0] if before else _NEWEST,
            "limit": wanted.limit + 1,
        },
    ).fetchall()
    return page(rows, wanted.limit, lambda row: (row[0],), _entry)


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    sequence, at, actor, action, subject, address, details = row
    return AuditEntry(
        sequence=sequence, time=at, actor=actor, action=action, subject=subject, address=address, details=details
    )
