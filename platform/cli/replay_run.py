"""Promoting strategies onto a lock-step replay of stored candles, through the whole running system."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..bootstrap import Endpoints, ensure_servers, open_bus
from ..contracts.errors import ConflictError
from ..contracts.ids import random_id
from ..contracts.time import iso
from ..market.feeds.base import bus_publisher
from ..market.feeds.lockstep import LockStepOptions, LockStepReplay
from ..market.sessions import MarketSession, create_replay
from ..ops.clock import WallClock
from ..ops.settings import Settings
from ..promotion import queries
from ..promotion.deploy import deploy
from ..promotion.promote import (
    PromoteRequest,
    PromotionDeps,
    announce,
    backtest_notebook,
    release_notebook,
    stop_deployment,
)
from ..promotion.registry import Release
from ..store.database import connect_sync
from .node import read_node, running_core
from .output import errors
from .paper import PaperRun, read_run
from .promotion import show_step

END_SECONDS = 10.0


async def parity_run(settings: Settings, request: PromoteRequest) -> PaperRun:
    """Backtest and lock-step replay of one notebook. Raises as promotion and the replay do."""
    async with running_system(settings) as endpoints:
        deps = PromotionDeps(settings, endpoints, WallClock())
        release = await release_notebook(request, deps, show_step)
        if request.window.limited:
            windowed = await backtest_notebook(request, deps, show_step)
            release = msgspec.structs.replace(release, report=windowed.report)
        return (await replay_releases(deps, [(release, request)]))[0]


@contextlib.asynccontextmanager
async def running_system(settings: Settings) -> AsyncIterator[Endpoints]:
    """The node that runs on this home directory; else trading and supervisor for the time of this command."""
    if read_node(settings) is not None:
        yield await asyncio.to_thread(ensure_servers, settings)
        return
    async with running_core(settings) as (endpoints, _):
        yield endpoints


async def replay_releases(
    deps: PromotionDeps, releases: Sequence[tuple[Release, PromoteRequest]], options: LockStepOptions | None = None
) -> list[PaperRun]:
    """Deploy every release on one new session, replay it in lock step, and read what each did."""
    session, names = await asyncio.to_thread(_deploy_all, deps, releases)
    try:
        await _announce_all(deps, names)
        await _play(deps, session, options or _window(releases))
        await _end_all(deps, names)
    except BaseException:
        await asyncio.shield(_stop_all(deps, names))
        raise
    return await asyncio.to_thread(_read_all, deps, releases, names)


def _deploy_all(
    deps: PromotionDeps, releases: Sequence[tuple[Release, PromoteRequest]]
) -> tuple[MarketSession, list[str]]:
    instruments = [key for release, _ in releases for key in release.instruments]
    with connect_sync(deps.endpoints.database_url) as conn:
        session = create_replay(conn, instruments, releases[0][0].timeframe, lock_step=True)
        conn.commit()
        names = []
        for release, request in releases:
            wanted = msgspec.structs.replace(
                request.deploy,
                session=session.session_id,
                deployment_id=f"{release.name}-{random_id()[:6]}",
            )
            names.append(deploy(conn, release, wanted).deployment_id)
    return session, names


async def _announce_all(deps: PromotionDeps, names: Sequence[str]) -> None:
    with connect_sync(deps.endpoints.database_url) as conn:
        found = [queries.get_deployment(conn, name) for name in names]
    for deployment in found:
        await announce(deployment, deps)


def _window(releases: Sequence[tuple[Release, PromoteRequest]]) -> LockStepOptions:
    window = releases[0][1].window
    return LockStepOptions(start=window.start, end=window.end)


async def _play(deps: PromotionDeps, session: MarketSession, options: LockStepOptions) -> None:
    if not errors.is_terminal:
        show_step("replay", f"{session.session_id}: {', '.join(session.instruments)}")
    with _bar(", ".join(session.instruments)) as progress:
        task = progress.add_task("replay", total=None, at="")

        def advance(done: int, total: int, ts: int) -> None:
            progress.update(task, completed=done, total=total, at=iso(ts)[:16])

        shown = dataclasses.replace(options, progress=options.progress or advance)
        async with open_bus(deps.settings, deps.endpoints) as bus:
            feed = LockStepReplay(deps.endpoints.database_url, bus, session, deps.clock, shown)
            await feed.run(bus_publisher(bus))


def _bar(what: str) -> Progress:
    return Progress(
        TextColumn(f"[cyan]  replay[/cyan]  {what}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[at]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )


async def _stop_all(deps: PromotionDeps, names: Sequence[str]) -> None:
    """The replay failed: its deployments have no market any more."""
    for name in names:
        with contextlib.suppress(ConflictError):  # it has ended by itself
            await stop_deployment(name, deps)


async def _end_all(deps: PromotionDeps, names: Sequence[str]) -> None:
    """Wait for the runners to notice the end of the session; one that does not is stopped."""
    deadline = deps.clock.monotonic() + round(END_SECONDS * 1e9)
    with connect_sync(deps.endpoints.database_url, autocommit=True) as conn:
        while running := [name for name in names if not queries.get_deployment(conn, name).state.ended]:
            if deps.clock.monotonic() > deadline:
                break
            await deps.clock.sleep(0.05)
    for name in running:
        with contextlib.suppress(ConflictError):  # it ended in this moment
            await stop_deployment(name, deps)


def _read_all(
    deps: PromotionDeps, releases: Sequence[tuple[Release, PromoteRequest]], names: Sequence[str]
) -> list[PaperRun]:
    with connect_sync(deps.endpoints.database_url) as conn:
        deployments = [queries.get_deployment(conn, name) for name in names]
        return [
            read_run(
                conn,
                deployment=deployment.deployment_id,
                portfolio=deployment.portfolio_id,
                release=release.ref,
                report=release.report,
                notebook=deployment.executed_notebook,
            )
            for deployment, (release, _) in zip(deployments, releases, strict=True)
        ]
