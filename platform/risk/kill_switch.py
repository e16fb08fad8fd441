"""The kill switch: rows in ``halts``, changed by people and automatons, obeyed by the trading service.

It needs the database alone: neither the bus nor the trading service has to be up. Once :func:`halt` has returned with
``sealed`` no order of that scope can be sent any more: the trading service holds the advisory lock ``TRADING_LOCK``
shared from before it reads the halts until its sends are done, and ``halt`` waits for that lock after its commit.
"""

from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ..bus.base import Record
from ..contracts import topics
from ..contracts.codec import encode
from ..contracts.enums import HaltState, ScopeKind
from ..contracts.errors import InputError, NotFoundError
from ..contracts.events import HaltChanged
from ..contracts.ids import digest
from ..contracts.time import from_datetime
from ..store.states import ENDED_ORDERS

TRADING_LOCK = 0x4D494C4C53


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the kill switch. ``changed_at`` is UTC ns."""

    scope: ScopeKind
    scope_id: str
    state: HaltState
    actor: str
    reason: str
    changed_at: int


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order the venue may still execute. ``state`` is its last known state; ``unknown`` needs a query."""

    order_id: str
    instrument: str
    state: str


class HaltReport(msgspec.Struct, frozen=True, kw_only=True):
    """What ``halt`` achieved.

    ``sealed`` is false when a send was still in flight as the waiting time ended: then an order journalled before the
    halt may yet reach the venue. ``working`` are the scope's open orders at that moment; the trading service cancels
    them until none is left.
    """

    halt: Halt
    sealed: bool
    working: tuple[WorkingOrder, ...]


def halt(
    conn: psycopg.Connection[Any],
    scope: ScopeKind,
    scope_id: str,
    actor: str,
    reason: str,
    *,
    state: HaltState = HaltState.HALTED,
    wait_seconds: float = 10.0,
) -> HaltReport:
    """Stop trading in a scope and wait until no send can be in flight; commits by itself, audited.

    Raises :class:`InputError` for a scope without its id (or a global one with an id) and for an empty actor or reason.
    """
    if state is HaltState.ACTIVE:
        raise InputError("a halt cannot set a scope active", hint="Use resume.")
    row = _write(conn, scope, scope_id, actor, reason, state)
    sealed = _wait_for_sends(conn, wait_seconds)
    return HaltReport(halt=row, sealed=sealed, working=working_orders(conn, scope, scope_id))


def resume(conn: psycopg.Connection[Any], scope: ScopeKind, scope_id: str, actor: str, reason: str) -> Halt:
    """Set a halted scope active again; commits by itself, audited. Raises :class:`NotFoundError` if it is active."""
    if not any(row.scope is scope and row.scope_id == scope_id for row in active_halts(conn)):
        name = f"{scope.value} {scope_id}".strip()
        raise NotFoundError(f"{name} is not halted", hint="`millstream risk` lists what is.")
    return _write(conn, scope, scope_id, actor, reason, HaltState.ACTIVE)


def active_halts(conn: psycopg.Connection[Any]) -> list[Halt]:
    """Every scope that is halted or reduce-only, the newest first."""
    rows = conn.execute(
        "SELECT scope, scope_id, state, actor, reason, changed_at FROM halts WHERE state <> 'active'"
        " ORDER BY changed_at DESC"
    ).fetchall()
    conn.rollback()
    return [_halt(row) for row in rows]


def working_orders(conn: psycopg.Connection[Any], scope: ScopeKind, scope_id: str) -> tuple[WorkingOrder, ...]:
    """Orders of a scope that are not in a terminal state."""
    column = {
        ScopeKind.GLOBAL: "''",
        ScopeKind.PORTFOLIO: "portfolio_id",
        ScopeKind.DEPLOYMENT: "deployment_id",
        ScopeKind.INSTRUMENT: "instrument",
    }[scope]
    rows = conn.execute(
        "SELECT order_id, instrument, state FROM orders WHERE state NOT IN"  # noqa: S608 - the column is one of four
        f" {ENDED_ORDERS} AND {column} = %s ORDER BY created_ts, order_id",
        (scope_id,),
    ).fetchall()
    conn.rollback()
    return tuple(WorkingOrder(order_id=row[0], instrument=row[1], state=row[2]) for row in rows)


def halt_record(row: Halt) -> Record:
    """The prompt for ``control.commands``: published, it makes the trading service look at once."""
    event = HaltChanged(
        event_id=digest("halt", row.scope, row.scope_id, row.changed_at),
        occurred_at=row.changed_at,
        scope=row.scope,
        scope_id=row.scope_id,
        state=row.state,
        actor=row.actor,
        reason=row.reason,
    )
    return Record(topics.CONTROL_COMMANDS.name, f"{row.scope}:{row.scope_id}", encode(event))


def _write(
    conn: psycopg.Connection[Any], scope: ScopeKind, scope_id: str, actor: str, reason: str, state: HaltState
) -> Halt:
    if (scope is ScopeKind.GLOBAL) == bool(scope_id):
        raise InputError(
            f"scope {scope.value!r} does not go with the id {scope_id!r}",
            hint="The global scope has no id; every other scope needs one.",
        )
    if not actor or not reason:
        raise InputError("a change of the kill switch needs an actor and a reason", hint="Say who stops what, and why.")
    with conn.transaction():
        row = conn.execute(
            "INSERT INTO halts (scope, scope_id, state, actor, reason, changed_at)"
            " VALUES (%s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT (scope, scope_id) DO UPDATE SET"
            " state = excluded.state, actor = excluded.actor, reason = excluded.reason,"
            " changed_at = excluded.changed_at"
            " RETURNING scope, scope_id, state, actor, reason, changed_at",
            (scope.value, scope_id, state.value, actor, reason),
        ).fetchone()
        conn.execute(
            "INSERT INTO audit (at, actor, action, subject, details) VALUES (clock_timestamp(), %s, %s, %s, %s)",
            (actor, f"halt.{state.value}", f"{scope.value}:{scope_id}", Jsonb({"reason": reason})),
        )
    conn.commit()
    assert row is not None  # noqa: S101 - RETURNING of an upsert always gives the row
    return _halt(row)


def _wait_for_sends(conn: psycopg.Connection[Any], seconds: float) -> bool:
    try:
        with conn.transaction():
            conn.execute("SELECT set_config('lock_timeout', %s, true)", (f"{round(seconds * 1000)}ms",))
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (TRADING_LOCK,))
    except psycopg.errors.LockNotAvailable:
        return False
    finally:
        conn.rollback()
    return True


def _halt(row: tuple[Any, ...]) -> Halt:
    scope, scope_id, state, actor, reason, changed_at = row
    return Halt(
        scope=ScopeKind(scope),
        scope_id=scope_id,
        state=HaltState(state),
        actor=actor,
        reason=reason,
        changed_at=from_datetime(changed_at),
    )
