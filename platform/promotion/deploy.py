"""Deployments: a release put to work on a portfolio and a market session; started and stopped by a row."""

from decimal import Decimal
from typing import Any, Literal

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ..contracts.enums import DesiredState, RunnerState, Target
from ..contracts.errors import ConflictError, InputError
from ..contracts.ids import parse_name
from ..market import instruments as catalogue
from ..market.sessions import SessionState, get_session, session_for
from ..portfolio.accounts import open_portfolio
from ..risk.limits import RiskLimits, paper_defaults
from .queries import Deployment, get_deployment
from .registry import Release

DEFAULT_CAPITAL = Decimal(100_000)
OnLeaseLost = Literal["cancel", "hold", "keep"]


class DeployRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How to put a release to work. ``session``: ``None`` takes the market that is open for its instruments.

    ``limits`` are added to the defaults for paper; ``deployment_id`` and ``portfolio_id`` are made where empty.
    ``on_lease_lost``: cancel the working orders of a runner that fell silent, hold it, or keep them and restart it.
    """

    target: Target = Target.PAPER
    session: str | None = None
    capital: Decimal = DEFAULT_CAPITAL
    limits: dict[str, Any] = {}
    deployment_id: str = ""
    portfolio_id: str = ""
    on_lease_lost: OnLeaseLost = "cancel"
    start: bool = True
    author: str = ""


def refuse_live(target: Target, *, dirty: bool) -> None:
    """Raises :class:`ConflictError` for the live target, which has no approvals yet."""
    if target is Target.LIVE:
        also = " The working tree also has changes that are not committed." if dirty else ""
        raise ConflictError(
            f"a release cannot go live: live trading needs an approval, and there are none yet.{also}",
            hint="Deploy it to paper (--to paper).",
        )


def deploy(conn: psycopg.Connection[Any], release: Release, request: DeployRequest) -> Deployment:
    """Create a deployment with a portfolio of its own, in one transaction.

    Raises :class:`ConflictError` when its name is taken or the session is over, :class:`InputError` for instruments of
    several currencies, limits that are none, or an instrument that the session does not carry.
    """
    refuse_live(request.target, dirty=bool(release.manifest.get("git_dirty")))
    limits = _limits(request)
    with conn.transaction():
        session = _session(conn, release, request.session)
        name = request.deployment_id or _free_name(conn, release.name)
        parse_name(name, "deployment")
        portfolio = request.portfolio_id or name
        open_portfolio(
            conn,
            portfolio_id=portfolio,
            currency=_currency(conn, release.instruments),
            initial_cash=request.capital,
            session=session,
            target=str(request.target),
        )
        _insert(conn, name, portfolio, session, limits, release, request)
        audit(conn, request.author, "deployment.created", name, {"release": release.ref, "session": session})
    conn.commit()
    return get_deployment(conn, name)


def start(conn: psycopg.Connection[Any], deployment_id: str, actor: str = "") -> Deployment:
    """Have a deployment run, also one that completed, failed or is held. Raises :class:`ConflictError` when it does."""
    with conn.transaction():
        deployment = locked(conn, deployment_id)
        busy = {RunnerState.PENDING, RunnerState.STARTING, RunnerState.RUNNING}
        if deployment.desired_state is DesiredState.RUNNING and deployment.state in busy:
            raise ConflictError(
                f"{deployment_id} is {deployment.state} already", hint="Stop it first to start it again."
            )
        _desire(conn, deployment_id, DesiredState.RUNNING)
        conn.execute(
            "UPDATE runners SET state = 'pending', message = '', restarts = 0 WHERE deployment_id = %s",
            (deployment_id,),
        )
        audit(conn, actor, "deployment.start", deployment_id, {})
    conn.commit()
    return get_deployment(conn, deployment_id)


def stop(conn: psycopg.Connection[Any], deployment_id: str, actor: str = "") -> Deployment:
    """Have a deployment end: its supervisor stops the runner. Working orders stay; ``halt`` cancels those.

    Raises :class:`ConflictError` when it is stopped already.
    """
    with conn.transaction():
        deployment = locked(conn, deployment_id)
        if deployment.desired_state is DesiredState.STOPPED:
            raise ConflictError(f"{deployment_id} is stopped already", hint="`millstream start` starts it.")
        _desire(conn, deployment_id, DesiredState.STOPPED)
        # Nobody else speaks for a runner that does not run.
        conn.execute(
            "UPDATE runners SET state = 'stopped', message = '' WHERE deployment_id = %s"
            " AND state IN ('pending', 'failed', 'held')",
            (deployment_id,),
        )
        audit(conn, actor, "deployment.stop", deployment_id, {})
    conn.commit()
    return get_deployment(conn, deployment_id)


def locked(conn: psycopg.Connection[Any], deployment_id: str) -> Deployment:
    """A deployment that nobody else can change until the transaction ends. Raises :class:`NotFoundError`."""
    conn.execute("SELECT 1 FROM deployments WHERE deployment_id = %s FOR UPDATE", (deployment_id,))
    return get_deployment(conn, deployment_id)


def _desire(conn: psycopg.Connection[Any], deployment_id: str, desired: DesiredState) -> None:
    conn.execute(
        "UPDATE deployments SET desired_state = %s, changed_at = now() WHERE deployment_id = %s",
        (desired, deployment_id),
    )


def _limits(request: DeployRequest) -> RiskLimits:
    defaults = paper_defaults(request.capital).to_mapping()
    return RiskLimits.from_mapping({**defaults, **request.limits})


def _session(conn: psycopg.Connection[Any], release: Release, wanted: str | None) -> str:
    if wanted is None:
        return session_for(conn, release.instruments).session_id
    session = get_session(conn, wanted)
    if session.state is SessionState.COMPLETED:
        raise ConflictError(f"the market session {wanted!r} is over", hint="Start a new replay.")
    missing = sorted(set(release.instruments) - set(session.instruments))
    if missing:
        raise InputError(
            f"the market session {wanted or 'live'!r} does not carry {missing[0]}",
            hint=f"It carries {', '.join(session.instruments)}.",
        )
    return session.session_id


def _currency(conn: psycopg.Connection[Any], keys: list[str]) -> str:
    currencies = sorted({catalogue.get(conn, key).currency for key in keys})
    if len(currencies) != 1:
        raise InputError(
            f"the instruments trade in several currencies: {', '.join(currencies)}",
            hint="Deploy one strategy for each currency.",
        )
    return currencies[0]


def _free_name(conn: psycopg.Connection[Any], name: str) -> str:
    """``name``, or with the next number behind it; the lock keeps two deployments from finding the same one."""
    conn.execute("SELECT pg_advisory_xact_lock(hashtext('millstream.deployment'), hashtext(%s))", (name,))
    taken = {
        row[0]
        for row in conn.execute(
            "SELECT deployment_id FROM deployments UNION SELECT portfolio_id FROM portfolios"
        ).fetchall()
    }
    number = 1
    while (candidate := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return candidate


def _insert(  # noqa: PLR0917 - a row
    conn: psycopg.Connection[Any],
    name: str,
    portfolio: str,
    session: str,
    limits: RiskLimits,
    release: Release,
    request: DeployRequest,
) -> None:
    inserted = conn.execute(
        "INSERT INTO deployments (deployment_id, release_name, release_version, target, portfolio_id, session,"
        " instruments, timeframe, parameters, limits, protection, on_lease_lost, desired_state, epoch, decided_ts,"
        " started_ts, author, created_at, changed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '{}', %s, %s, 0, 0, 0, %s,"
        " now(), now()) ON CONFLICT (deployment_id) DO NOTHING",
        (
            name,
            release.name,
            release.version,
            request.target,
            portfolio,
            session,
            release.instruments,
            release.timeframe,
            Jsonb(release.parameters),
            Jsonb(limits.to_mapping()),
            request.on_lease_lost,
            DesiredState.RUNNING if request.start else DesiredState.STOPPED,
            request.author,
        ),
    ).rowcount
    if not inserted:
        raise ConflictError(f"there is a deployment {name!r} already", hint="Choose another name, or none.")


def audit(conn: psycopg.Connection[Any], actor: str, action: str, subject: str, details: dict[str, Any]) -> None:
    """Record within the transaction what ``actor`` did to a deployment."""
    conn.execute(
        "INSERT INTO audit (at, actor, action, subject, details) VALUES (now(), %s, %s, %s, %s)",
        (actor, action, f"deployment:{subject}", Jsonb(details)),
    )
