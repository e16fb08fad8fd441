"""Limits with their use, latches, and the kill switch."""

from ...contracts.api.base import Page
from ...contracts.api.identity import Permission
from ...contracts.api.trading import Halt, HaltRequest, HaltResult, Latch, LimitUse, ResumeRequest
from ..auth.access import Asking
from ..commands import halts as kill_switch
from ..context import Here
from ..pagination import Cursor, Limit, cursor_of, keys_of
from ..reads import halts, latches, limits
from ..reads.snapshot import snapshot
from ..routing import Routes
from .filters import Filters

router = Routes(tags=["risk"])


@router.read("/limits", Permission.READ, "list_limits", summary="Limits beside what is used of them")
async def list_limits(
    here: Here, asking: Asking, filters: Filters, limit: Limit = 100, cursor: Cursor = ""
) -> Page[LimitUse]:
    """``limit`` counts deployments here: a page has all limits of each. A limit that is not set denies."""
    keys, wall = keys_of(cursor, tuple[str]), here.clock.now()
    after = keys[0] if keys is not None else None
    found = await here.database(
        snapshot(lambda conn: limits.limits(conn, filters, asking, wall=wall, after=after, limit=limit + 1))
    )
    shown = found[:limit]
    following = cursor_of((shown[-1][0],)) if len(found) > limit else ""
    return Page[LimitUse](items=tuple(use for _, uses in shown for use in uses), next=following)


@router.read("/latches", Permission.READ, "list_latches", summary="Latches that have tripped")
async def list_latches(here: Here, asking: Asking, filters: Filters) -> Page[Latch]:
    """The daily loss of a deployment: until the next UTC day of its market it may only reduce."""
    wall = here.clock.now()
    found = await here.database(snapshot(lambda conn: latches.latches(conn, filters, asking, wall=wall)))
    return Page[Latch](items=tuple(found))


@router.read("/halts", Permission.READ, "list_halts", summary="Halts in force")
async def list_halts(here: Here, asking: Asking) -> Page[Halt]:
    """Scopes that are halted or reduce-only, the newest first."""
    found = await here.database(lambda conn: halts.halts(conn, asking))
    return Page[Halt](items=tuple(found))


@router.command("/halts", Permission.HALT, "halt", summary="Stop trading in a scope")
async def halt(here: Here, asking: Asking, wanted: HaltRequest) -> HaltResult:
    """Works while the bus is down. Once answered ``sealed``, no order of the scope can be sent."""
    return await kill_switch.halt(here, asking, wanted)


@router.command("/halts/resume", Permission.HALT, "resume", summary="Allow trading of a halted scope again")
async def resume(here: Here, asking: Asking, wanted: ResumeRequest) -> Halt:
    """Answers the scope as active."""
    return await kill_switch.resume(here, asking, wanted)
