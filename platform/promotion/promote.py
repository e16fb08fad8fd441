"""The recipe: inspect → bundle → execute → register → deploy."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from ..bootstrap import Endpoints, event_bus
from ..contracts.clock import Clock
from ..market import instruments as catalogue
from ..market.cache import data_snapshot_id
from ..ops.settings import Settings
from ..research.data import connection
from ..store.database import connect_sync
from .bundle import Bundle, BundleStore, Manifest, source_of
from .deploy import DEFAULT_CAPITAL, DeployRequest, deploy, refuse_live, start, stop
from .execute import CELL_SECONDS, Execution, execute
from .hints import publish_changed, set_flag
from .inspect import Inspection, inspect
from .parameters import bind, parse_assignments
from .provenance import environment_hash, git_state
from .queries import Deployment
from .registry import Release, register

Progress = Callable[[str, str], None]
"""Called with the name of each step and what there is to say about it when it begins."""

Blocking = Callable[[psycopg.Connection[Any]], Any]


class BacktestWindow(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest covers: ``start`` <= open time < ``end`` (UTC), all stored candles by default."""

    start: datetime | None = None
    end: datetime | None = None
    capital: Decimal = DEFAULT_CAPITAL

    @property
    def limited(self) -> bool:
        """Whether it leaves stored candles out."""
        return self.start is not None or self.end is not None


class PromoteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to promote and how to deploy it. ``assignments`` are ``NAME=VALUE`` texts, ``parameters`` values.

    ``window`` is for :func:`backtest_notebook`; a release is always backtested on all stored candles.
    """

    notebook: str
    deploy: DeployRequest = DeployRequest()
    assignments: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    cell_seconds: float = CELL_SECONDS
    window: BacktestWindow = BacktestWindow()


@dataclass(frozen=True, slots=True)
class PromotionDeps:
    """What a promotion works with. The servers must run (:func:`millstream.bootstrap.ensure_servers`)."""

    settings: Settings
    endpoints: Endpoints
    clock: Clock


async def promote(request: PromoteRequest, deps: PromotionDeps, progress: Progress) -> Deployment:
    """Promote a notebook and start it. Raises :class:`InputError` and its kin saying what to change."""
    release = await release_notebook(request, deps, progress)
    progress("deploy", f"{release.ref} to {request.deploy.target}")
    deployment: Deployment = await _with_database(deps, lambda conn: deploy(conn, release, request.deploy))
    await announce(deployment, deps)
    return deployment


async def release_notebook(request: PromoteRequest, deps: PromotionDeps, progress: Progress) -> Release:
    """The recipe up to the release: nothing is deployed."""
    window = BacktestWindow(capital=request.window.capital)
    bundle, execution = await _bundle_and_execute(request, window, deps, progress)
    progress("register", bundle.manifest.name)
    release: Release = await _with_database(
        deps, lambda conn: _register(conn, bundle, execution, request.deploy.author)
    )
    return release


async def backtest_notebook(request: PromoteRequest, deps: PromotionDeps, progress: Progress) -> Execution:
    """Execute a notebook in backtest mode over ``request.window``, as a promotion does; nothing is registered."""
    _, execution = await _bundle_and_execute(request, request.window, deps, progress)
    return execution


async def _bundle_and_execute(
    request: PromoteRequest, window: BacktestWindow, deps: PromotionDeps, progress: Progress
) -> tuple[Bundle, Execution]:
    path = _path(request)
    progress("inspect", path.name)
    inspection = inspect(path)
    for warning in inspection.warnings:
        progress("warning", warning)
    given = {**request.parameters, **parse_assignments(inspection.parameters, request.assignments)}
    parameters = bind(inspection.parameters, given)
    git = await asyncio.to_thread(git_state, path)
    refuse_live(request.deploy.target, dirty=git.dirty)
    progress("bundle", _shown(parameters))
    bundle = await asyncio.to_thread(_bundle, inspection, parameters, deps)
    progress("execute", f"backtest in a fresh kernel, bundle {bundle.hash[:12]}")
    return bundle, await asyncio.to_thread(_execute, bundle, request, window, deps)


async def start_deployment(deployment_id: str, deps: PromotionDeps, actor: str = "") -> Deployment:
    """Start a deployment and prompt its supervisor."""
    deployment: Deployment = await _with_database(deps, lambda conn: start(conn, deployment_id, actor))
    await announce(deployment, deps)
    return deployment


async def stop_deployment(deployment_id: str, deps: PromotionDeps, actor: str = "") -> Deployment:
    """Stop a deployment and prompt its supervisor."""
    deployment: Deployment = await _with_database(deps, lambda conn: stop(conn, deployment_id, actor))
    await announce(deployment, deps)
    return deployment


async def announce(deployment: Deployment, deps: PromotionDeps) -> None:
    """Prompt the supervisor and the services to look at a changed deployment; they look by themselves otherwise."""
    settings, endpoints = deps.settings, deps.endpoints
    await asyncio.gather(
        set_flag(endpoints.redis_url, settings.namespace, deployment.deployment_id, deployment.desired_state),
        publish_changed(
            event_bus(settings, endpoints),
            deps.clock,
            deployment.deployment_id,
            deployment.portfolio_id,
            deployment.epoch,
        ),
    )


def notebook_digest(inspection: Inspection) -> str:
    """SHA-256 of a notebook's source, as the manifest of its release has it."""
    return hashlib.sha256(source_of(inspection.notebook)).hexdigest()


def _path(request: PromoteRequest) -> Path:
    return Path(request.notebook).expanduser().resolve()


def _bundle(inspection: Inspection, parameters: dict[str, Any], deps: PromotionDeps) -> Bundle:
    notebook = source_of(inspection.notebook)
    git = git_state(inspection.path)
    manifest = Manifest(
        name=inspection.name,
        notebook_sha256=notebook_digest(inspection),
        parameters=parameters,
        environment=environment_hash(),
        data_snapshot=_snapshot(inspection, parameters, deps),
        git_commit=git.commit,
        git_dirty=git.dirty,
    )
    return BundleStore(bundle_folder(deps.settings)).add(manifest, notebook)


def bundle_folder(settings: Settings) -> Path:
    """Where the bundles of an installation stand."""
    return settings.home / "bundles"


def _snapshot(inspection: Inspection, parameters: dict[str, Any], deps: PromotionDeps) -> str:
    """The id of the stored candles; empty where only executing tells which they are (the release then has it)."""
    market = inspection.market_with(parameters)
    if market is None:
        return ""
    symbols, timeframe = market
    with connection(deps.settings) as conn:
        return data_snapshot_id(conn, [catalogue.resolve(conn, symbol) for symbol in symbols], timeframe)


def _execute(bundle: Bundle, request: PromoteRequest, window: BacktestWindow, deps: PromotionDeps) -> Execution:
    output = deps.settings.home / "promotions" / f"{bundle.manifest.name}-{bundle.hash[:12]}.ipynb"
    given = {"MILLSTREAM_BACKTEST": msgspec.json.encode(window).decode()}
    environment = kernel_environment(deps.settings) | given
    return execute(bundle, output, environment=environment, cell_seconds=request.cell_seconds)


def kernel_environment(settings: Settings) -> dict[str, str]:
    """What tells the kernel of a promotion to use the same installation."""
    urls = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    given = {f"MILLSTREAM_{name}": url.get_secret_value() for name, url in urls.items() if url is not None}
    return {"MILLSTREAM_HOME": str(settings.home), **given}


def _register(conn: psycopg.Connection[Any], bundle: Bundle, execution: Execution, author: str) -> Release:
    report = execution.report
    snapshot = bundle.manifest.data_snapshot or data_snapshot_id(conn, report["instruments"], report["timeframe"])
    return register(conn, bundle, execution, data_snapshot=snapshot, author=author)


async def _with_database(deps: PromotionDeps, work: Blocking) -> Any:
    def run() -> Any:
        with connect_sync(deps.endpoints.database_url) as conn:
            return work(conn)

    return await asyncio.to_thread(run)


def _shown(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items()) or "no parameters"
