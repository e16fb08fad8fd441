"""Halts in force."""

from ...contracts.api.trading import Halt
from ...contracts.enums import ScopeKind
from ...contracts.time import to_datetime
from ...risk import kill_switch
from ..auth.access import Principal
from ..context import Connection
from .selection import Wanted, choose


def halts(conn: Connection, principal: Principal) -> list[Halt]:
    """Scopes that are halted or reduce-only, the newest first; a restricted person sees those that cover their own."""
    found = kill_switch.active_halts(conn)
    if principal.portfolios:
        mine = choose(conn, Wanted(), principal).facts.values()
        covered = {
            ScopeKind.GLOBAL: {""},
            ScopeKind.PORTFOLIO: {one.portfolio for one in mine},
            ScopeKind.DEPLOYMENT: {one.deployment for one in mine},
            ScopeKind.INSTRUMENT: {key for one in mine for key in one.instruments},
        }
        found = [one for one in found if one.scope_id in covered[one.scope]]
    return [halt_answer(one) for one in found]


def halt_answer(row: kill_switch.Halt) -> Halt:
    """The answer of a row of the kill switch."""
    return Halt(
        scope=row.scope,
        scope_id=row.scope_id,
        state=row.state,
        actor=row.actor,
        reason=row.reason,
        changed_at=to_datetime(row.changed_at),
    )
