"""Promoting notebooks; making, starting, stopping, pausing and changing deployments."""

import asyncio

import structlog

from ...contracts.api.base import Operation
from ...contracts.api.identity import Permission
from ...contracts.api.promotion import Deployment, DeploymentChange, NewDeployment, Promotion
from ...contracts.enums import HaltState, ScopeKind, Target
from ...contracts.errors import ConflictError, RetriableError
from ...promotion import deploy as deploying
from ...promotion import promote as promoting
from ...promotion import queries
from ...promotion.configure import Change, configure
from ...promotion.inspect import inspect
from ...promotion.parameters import bind
from ...promotion.promote import PromoteRequest, PromotionDeps, announce
from ...promotion.registry import get_release
from ...risk import kill_switch
from ...risk.limits import RiskLimits
from .. import audit, etag
from ..auth.access import Principal
from ..context import Connection, Gateway
from ..problems import ProblemError
from ..reads.promotion import configuration_version, get_deployment
from .operations import Operations, Step
from .workspace import notebook

_log = structlog.get_logger(__name__)


async def promote(gateway: Gateway, operations: Operations, principal: Principal, wanted: Promotion) -> Operation:
    """Begin a promotion. What can be seen to be wrong beforehand is refused at once; the rest ends as its problem."""
    path = notebook(gateway.settings, wanted.notebook)
    _check_target(principal, wanted.target)
    _check_name(principal, wanted.name or path.stem)
    RiskLimits.from_mapping(wanted.limits)
    inspection = await asyncio.to_thread(inspect, path)
    bind(inspection.parameters, wanted.parameters)
    asked = {
        **wanted.model_dump(mode="json", exclude={"notebook"}, exclude_defaults=True),
        "target": str(wanted.target),
        "sha256": promoting.notebook_digest(inspection),
    }
    request = PromoteRequest(
        notebook=str(path),
        parameters=wanted.parameters,
        deploy=deploying.DeployRequest(
            target=wanted.target,
            session=wanted.session,
            capital=wanted.capital,
            limits=wanted.limits,
            deployment_id=wanted.name,
            author=principal.user,
        ),
    )

    async def work(step: Step) -> dict[str, object]:
        made = await promoting.promote(request, _deps(gateway), lambda name, text: step(f"{name}: {text}"))
        details = {"deployment": made.deployment_id, "notebook": wanted.notebook}
        await gateway.database(
            lambda conn: audit.record(conn, principal, "promotion.done", f"release:{made.release}", details)
        )
        answer = await seen(gateway, principal, made.deployment_id)
        return answer.model_dump(mode="json")

    def note(conn: Connection, operation: str) -> None:
        details = {**asked, "operation": operation}
        audit.record(conn, principal, "promotion.start", f"notebook:{wanted.notebook}", details)

    return await operations.start("promotion", principal, work, note)


async def create(gateway: Gateway, principal: Principal, wanted: NewDeployment) -> Deployment:
    """Put a registered release to work. Raises as :func:`millstream.promotion.deploy.deploy`."""
    _check_target(principal, wanted.target)

    def work(conn: Connection) -> queries.Deployment:
        release = get_release(conn, wanted.release)
        _check_name(principal, wanted.name or release.name)
        return deploying.deploy(
            conn,
            release,
            deploying.DeployRequest(
                target=wanted.target,
                session=wanted.session,
                capital=wanted.capital,
                limits=wanted.limits,
                deployment_id=wanted.name,
                on_lease_lost=wanted.on_lease_lost,
                start=wanted.start,
                author=principal.user,
            ),
        )

    made = await gateway.database(work)
    await announce(made, _deps(gateway))
    return await seen(gateway, principal, made.deployment_id)


async def start(gateway: Gateway, principal: Principal, name: str) -> Deployment:
    """Have a deployment run: its supervisor starts the runner."""
    _check_target(principal, (await seen(gateway, principal, name)).target)
    await promoting.start_deployment(name, _deps(gateway), principal.user)
    return await seen(gateway, principal, name)


async def stop(gateway: Gateway, principal: Principal, name: str) -> Deployment:
    """Have a deployment end: its supervisor stops the runner; working orders stay."""
    await seen(gateway, principal, name)
    await promoting.stop_deployment(name, _deps(gateway), principal.user)
    return await seen(gateway, principal, name)


async def pause(gateway: Gateway, principal: Principal, name: str) -> Deployment:
    """Let a deployment only reduce its positions. Raises :class:`ConflictError` for one that is halted altogether."""
    await seen(gateway, principal, name)

    def work(conn: Connection) -> kill_switch.Halt | None:
        state = _own_state(conn, name)
        if state is HaltState.HALTED:
            raise ConflictError(
                f"{name} is halted, which is stricter", hint="Resume it first: POST /api/v1/halts/resume."
            )
        if state is HaltState.REDUCE_ONLY:
            return None
        return kill_switch.halt(
            conn, ScopeKind.DEPLOYMENT, name, principal.user, "paused", state=HaltState.REDUCE_ONLY
        ).halt

    await _prompt(gateway, await gateway.database(work))
    return await seen(gateway, principal, name)


async def unpause(gateway: Gateway, principal: Principal, name: str) -> Deployment:
    """Let a paused deployment trade again. Raises :class:`ConflictError` for one that is not paused, or halted."""
    await seen(gateway, principal, name)

    def work(conn: Connection) -> kill_switch.Halt:
        state = _own_state(conn, name)
        if state is HaltState.HALTED:
            raise ConflictError(f"{name} is halted, not paused", hint="Resume it: POST /api/v1/halts/resume.")
        if state is HaltState.ACTIVE:
            raise ConflictError(f"{name} is not paused", hint="Another scope may hold it: GET /api/v1/halts.")
        return kill_switch.resume(conn, ScopeKind.DEPLOYMENT, name, principal.user, "unpaused")

    await _prompt(gateway, await gateway.database(work))
    return await seen(gateway, principal, name)


async def change(
    gateway: Gateway, principal: Principal, name: str, wanted: DeploymentChange, given: etag.Precondition
) -> Deployment:
    """Change limits and what a lost lease does. Raises ``412`` when it is not what the asker had seen."""
    await seen(gateway, principal, name)

    def check(now: queries.Deployment) -> None:
        given.check(configuration_version(now.limits, now.on_lease_lost))

    made = await gateway.database(
        lambda conn: configure(
            conn,
            name,
            Change(limits=wanted.limits, on_lease_lost=wanted.on_lease_lost),
            principal.user,
            check=check,
        )
    )
    await announce(made, _deps(gateway))
    return await seen(gateway, principal, name)


async def seen(gateway: Gateway, principal: Principal, name: str) -> Deployment:
    """The deployment as its answer. Raises :class:`NotFoundError` for one that ``principal`` does not see."""
    wall = gateway.clock.now()
    return await gateway.database(lambda conn: get_deployment(conn, name, principal, wall=wall))


def _deps(gateway: Gateway) -> PromotionDeps:
    return PromotionDeps(gateway.settings, gateway.endpoints, gateway.clock)


def _check_target(principal: Principal, target: Target) -> None:
    if target is Target.LIVE and not principal.may(Permission.LIVE):
        raise ProblemError(
            403,
            "FORBIDDEN",
            "Forbidden",
            f"{principal.user} may not arm live trading.",
            "It needs an admin who logged in with a second factor.",
        )


def _check_name(principal: Principal, name: str) -> None:
    """A new deployment has a portfolio of its name: it must be one that its maker may see."""
    if not principal.sees(name):
        raise ProblemError(
            403,
            "FORBIDDEN",
            "Forbidden",
            f"{principal.user} may only act on the portfolios {', '.join(sorted(principal.portfolios))}.",
            "Name the deployment after one of them that does not exist yet, or ask an admin for more.",
        )


def _own_state(conn: Connection, name: str) -> HaltState:
    own = (one for one in kill_switch.active_halts(conn) if one.scope is ScopeKind.DEPLOYMENT and one.scope_id == name)
    return next((one.state for one in own), HaltState.ACTIVE)


async def _prompt(gateway: Gateway, row: kill_switch.Halt | None) -> None:
    """Make the trading service look at once; it looks by itself, so a lost bus does not stand in the way."""
    if row is None:
        return
    try:
        await gateway.bus.publish([kill_switch.halt_record(row)])
    except RetriableError as error:
        _log.warning("halt.not_published", error=str(error))
