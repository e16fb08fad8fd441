"""``millstream demo``: the main job end to end, on servers and data of its own."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec

from ..bootstrap import stop_servers
from ..contracts.enums import Target
from ..contracts.errors import InputError, NotFoundError
from ..market.sample import import_sample
from ..ops import kafka_broker
from ..ops.clock import WallClock
from ..ops.settings import Settings, load_settings
from ..promotion.deploy import DeployRequest
from ..promotion.promote import PromoteRequest, PromotionDeps, release_notebook
from ..store.database import connect_sync
from .node import node_lock, running_core
from .output import console, errors, print_json, table
from .paper import PaperRun
from .promotion import show_step
from .replay_run import replay_releases
from .research import show_parity

STRATEGIES = ("sma_cross", "momentum_rotation")


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What ``demo --json`` prints. ``seconds`` is the whole demo, the start of the servers included."""

    equal: bool
    bus: str
    seconds: float
    runs: tuple[PaperRun, ...]
    home: str


async def run_demo(bus: str, as_json: bool, start: datetime | None) -> bool:
    """Run it on the bars from ``start`` (UTC) on and print what happened.

    True when paper equals the backtest for every strategy.
    """
    if bus not in {"redis", "kafka"}:
        raise InputError(f"{bus!r} is not a bus for the demo", hint="Use --bus redis or --bus kafka.")
    notebooks = [_notebook(name) for name in STRATEGIES]
    clock = WallClock()
    begun = clock.monotonic()
    home = load_settings(bus="redis").home / "demo"
    await asyncio.to_thread(_clean, home)
    async with _broker(bus, home / "kafka") as bootstrap:
        settings = _own_settings(home, bus, bootstrap)
        runs = await _run(settings, notebooks, start)
    result = DemoResult(
        equal=all(run.equal for run in runs),
        bus=bus,
        seconds=round((clock.monotonic() - begun) / 1e9, 1),
        runs=tuple(runs),
        home=str(home),
    )
    print_json(result) if as_json else _show(result)
    return result.equal


async def _run(settings: Settings, notebooks: list[Path], start: datetime | None) -> list[PaperRun]:
    async with running_core(settings) as (endpoints, _):
        deps = PromotionDeps(settings, endpoints, WallClock())
        show_step("import", "daily candles of AAPL, FB, GOOG, IBM, MSFT")
        with connect_sync(endpoints.database_url) as conn:
            await asyncio.to_thread(import_sample, conn, start)
            conn.commit()
        releases = []
        for notebook in notebooks:
            request = PromoteRequest(notebook=str(notebook), deploy=DeployRequest(target=Target.PAPER, author="demo"))
            releases.append((await release_notebook(request, deps, show_step), request))
        return await replay_releases(deps, releases)


def _notebook(name: str) -> Path:
    file = Path("strategies") / f"{name}.ipynb"
    if not file.is_file():
        raise NotFoundError(f"{file} is not here", hint="Run the demo in the checkout of Millstream (`make demo`).")
    return file


def _clean(home: Path) -> None:
    """Every demo begins with empty servers; one that still runs on this directory is a conflict."""
    settings = load_settings(home=home, bus="redis", database_url=None, redis_url=None)
    with node_lock(settings):
        stop_servers(settings)
    shutil.rmtree(home, ignore_errors=True)


def _own_settings(home: Path, bus: str, bootstrap: str) -> Settings:
    """Settings of the demo and of the processes it starts: its own servers, whatever the user has configured."""
    own = {"HOME": str(home), "BUS": bus, "KAFKA_BOOTSTRAP": bootstrap, "DATABASE_URL": "", "REDIS_URL": ""}
    os.environ.update({f"MILLSTREAM_{name}": value for name, value in own.items()})
    return load_settings()


@contextlib.asynccontextmanager
async def _broker(bus: str, directory: Path) -> AsyncIterator[str]:
    """Address of the configured Kafka, or of a broker for the time of the demo; empty for another bus."""
    configured = os.environ.get("MILLSTREAM_KAFKA_BOOTSTRAP", "")
    if bus != "kafka" or configured:
        yield configured
        return
    reason = kafka_broker.availability()
    if reason:
        raise InputError(f"no Kafka broker can be started: {reason}", hint="Install Java 17 and Maven, or drop --bus.")
    show_step("kafka", "starting a broker")
    broker = kafka_broker.KafkaBroker(directory, lasting=False)
    try:
        await asyncio.to_thread(broker.start)
        yield broker.bootstrap
    finally:
        await asyncio.shield(asyncio.to_thread(broker.stop))


def _show(result: DemoResult) -> None:
    for run in result.runs:
        console.print()
        show_parity(run)
        for rejection in run.rejections[:5]:
            console.print(f"  rejected: {rejection.code} {rejection.instrument}: {rejection.message}", markup=False)
    rows = [
        (run.deployment, run.latency.count, run.latency.journalled_p50, run.latency.acked_p50, run.latency.acked_p99)
        for run in result.runs
    ]
    console.print()
    columns = ["deployment", "orders", "journalled p50 ms", "venue ack p50 ms", "venue ack p99 ms"]
    table("Latency from the runner's intent", columns, rows)
    for run in result.runs:
        console.print(f"executed notebook: {run.executed_notebook}", soft_wrap=True, highlight=False)
    verdict = (
        "[bold green]paper equals the backtest[/bold green]" if result.equal else "[bold red]they differ[/bold red]"
    )
    console.print(f"{verdict}; {result.seconds:g} s over {result.bus}; everything is stopped, data in {result.home}")
    if not result.equal:
        errors.print("Look at the first difference above, and at the logs in that directory.")
