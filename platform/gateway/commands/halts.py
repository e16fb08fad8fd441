"""The kill switch from a screen. It needs the database alone; the bus is only prompted afterwards."""

import asyncio

import structlog

from ...contracts.api.trading import Halt, HaltRequest, HaltResult, ResumeRequest
from ...contracts.enums import HaltState, ScopeKind
from ...contracts.errors import NotFoundError, RetriableError
from ...risk import kill_switch
from ..auth.access import Principal
from ..context import Connection, Gateway
from ..problems import ProblemError
from ..reads.halts import halt_answer
from ..reads.selection import deployment

PROMPT_SECONDS = 1.0
_log = structlog.get_logger(__name__)


async def halt(here: Gateway, principal: Principal, wanted: HaltRequest) -> HaltResult:
    """Stop a scope. Once this answers ``sealed``, no order of it can be sent; what works is being canceled.

    Raises :class:`NotFoundError` for a scope that does not exist (a mistyped one would stop nothing) or that the
    principal does not see, :class:`InputError` for a scope that does not go with its id, and a 403 for one that is
    wider than the principal's portfolios.
    """
    state = HaltState.REDUCE_ONLY if wanted.reduce_only else HaltState.HALTED

    def work(conn: Connection) -> kill_switch.HaltReport:
        _check(conn, principal, wanted.scope, wanted.scope_id)
        return kill_switch.halt(conn, wanted.scope, wanted.scope_id, principal.user, wanted.reason, state=state)

    report = await here.database(work)
    await _prompt(here, report.halt)
    return HaltResult(
        halt=halt_answer(report.halt),
        sealed=report.sealed,
        working=tuple(order.order_id for order in report.working),
    )


async def resume(here: Gateway, principal: Principal, wanted: ResumeRequest) -> Halt:
    """Let a halted scope trade again. Raises :class:`NotFoundError` where it is not halted, and as :func:`halt`."""

    def work(conn: Connection) -> kill_switch.Halt:
        _check(conn, principal, wanted.scope, wanted.scope_id)
        return kill_switch.resume(conn, wanted.scope, wanted.scope_id, principal.user, wanted.reason)

    row = await here.database(work)
    await _prompt(here, row)
    return halt_answer(row)


def _check(conn: Connection, principal: Principal, scope: ScopeKind, name: str) -> None:
    """Whether there is such a scope, and whether the principal may act on all of it."""
    if scope is ScopeKind.DEPLOYMENT and name:
        deployment(conn, name, principal)
    elif scope is ScopeKind.PORTFOLIO and name:
        _known(conn, "SELECT 1 FROM portfolios WHERE portfolio_id = %s", name, "portfolio", seen=principal.sees(name))
    elif principal.portfolios:
        raise ProblemError(
            403,
            "FORBIDDEN",
            "The scope is wider than your portfolios",
            f"A halt of scope {scope.value!r} also stops portfolios that are not yours.",
            "Halt your own portfolios or deployments, or ask an operator.",
        )
    elif scope is ScopeKind.INSTRUMENT and name:
        _known(conn, "SELECT 1 FROM instruments WHERE key = %s", name, "instrument", seen=True)


def _known(conn: Connection, text: str, name: str, what: str, *, seen: bool) -> None:
    if not seen or conn.execute(text.encode(), (name,)).fetchone() is None:
        raise NotFoundError(f"there is no {what} {name!r}", hint=f"GET /api/v1/{what}s lists them.")


async def _prompt(here: Gateway, row: kill_switch.Halt) -> None:
    """Have the trading service look at once; without the bus it looks twice a second anyway."""
    try:
        async with asyncio.timeout(PROMPT_SECONDS):
            await here.bus.publish([kill_switch.halt_record(row)])
    except (TimeoutError, RetriableError) as error:
        _log.warning("halt.not_prompted", scope=row.scope, scope_id=row.scope_id, error=str(error) or "no answer")
