"""``up``, ``down``, ``doctor``, ``lab``, ``admin-link`` and ``demo``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import ANSWER_IS_NO, run_async
from .options import Json, Start, to_utc
from .output import console, errors, print_json

if TYPE_CHECKING:
    from asyncio import Future

    from ..ops.settings import Settings
    from .node import NodeInfo

Notebooks = Annotated[
    Path | None,
    typer.Option("--notebooks", help="Folder that JupyterLab opens (default: here, if it has strategies/)."),
]
STOP_SECONDS = 60


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (up, down, doctor, lab, admin_link, demo):
        app.command()(command)


def up(
    notebooks: Notebooks = None,
    lab: Annotated[bool, typer.Option("--lab/--no-lab", help="Start JupyterLab too.")] = True,
    detach: Annotated[bool, typer.Option("--detach", help="Go to the background; `down` stops it.")] = False,
    speed: Annotated[float, typer.Option(min=0.01, help="Bars a second of the sample replay.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Start the platform: servers, market, trading, supervisor and all screens; stays until Ctrl-C or `down`."""
    import asyncio

    from ..ops.settings import load_settings
    from .node import run_node
    from .workspace import workspace

    settings = load_settings()
    folder = workspace(settings, notebooks)
    if detach:
        _show_node(_start_detached(settings, folder, lab, speed), as_json)
        return

    def show_when_up(ready: "Future[NodeInfo]") -> None:
        if not ready.cancelled() and ready.exception() is None:
            _show_node(ready.result(), as_json, staying=True)

    async def run() -> None:
        ready: asyncio.Future[NodeInfo] = asyncio.get_running_loop().create_future()
        ready.add_done_callback(show_when_up)
        await run_node(settings, workspace=folder, with_lab=lab, speed=speed, ready=ready)

    run_async(run())
    errors.print(f"stopped; your data stays in {settings.home}", soft_wrap=True, highlight=False)


def _start_detached(settings: "Settings", folder: Path, lab: bool, speed: float) -> "NodeInfo":
    import subprocess
    import sys

    from msgspec import structs

    from ..bootstrap import ensure_database
    from ..contracts.errors import FatalError
    from ..ops.clock import WallClock
    from . import links, node

    node.refuse_second(settings)
    log = settings.home / "log" / "node.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    begin = log.stat().st_size if log.exists() else 0
    arguments = ["-m", "millstream.cli", "up", "--notebooks", str(folder), "--speed", str(speed)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments, "--lab" if lab else "--no-lab"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    clock = WallClock()
    with errors.status("starting"):
        while process.poll() is None:
            info = node.read_node(settings)
            if info is not None and info.pid == process.pid:
                return structs.replace(info, setup_link=links.first_admin(ensure_database(settings), info.gateway_url))
            clock.block(0.1)
    tail = "\n".join(log.read_bytes()[begin:].decode(errors="replace").splitlines()[-12:])
    raise FatalError(f"the platform did not start:\n{tail}", hint=f"The whole log: {log}")


def _show_node(info: "NodeInfo", as_json: bool, *, staying: bool = False) -> None:
    if as_json:
        print_json(info)
        return
    console.print(f"[bold green]Millstream is up[/bold green] on {info.home} (bus: {info.bus})", soft_wrap=True)
    if info.setup_link:
        console.print("[bold]First, make yourself an account[/bold] (the link works once, for a day):", soft_wrap=True)
        console.print(f"  [link={info.setup_link}]{info.setup_link}[/link]", soft_wrap=True)
    screens = {
        "Start page": info.gateway_url,
        "Monitor": info.monitor_url,
        "Trader app": info.trader_url,
        "JupyterLab": info.lab_url,
    }
    for name, url in screens.items():
        if url:
            console.print(f"{name + ':':<12}[link={url}]{url}[/link]", soft_wrap=True)
    console.print("In a notebook: [cyan]%ms promote strategies/sma_cross.ipynb[/cyan], then [cyan]%ms orders[/cyan]")
    console.print("Ctrl-C stops everything." if staying else "`millstream down` stops everything.")


def down(as_json: Json = False) -> None:
    """Stop what `up` started, and the embedded servers of this home directory."""
    from ..bootstrap import stop_servers
    from ..ops.settings import load_settings
    from .node import node_lock, read_node

    settings = load_settings()
    info = read_node(settings)
    if info is not None:
        _stop_node(settings, info)
    with node_lock(settings):
        stop_servers(settings)
    if as_json:
        print_json({"stopped": info is not None, "home": settings.home})
    else:
        console.print("stopped" if info else "nothing was running; embedded servers are stopped")


def _stop_node(settings: "Settings", info: "NodeInfo") -> None:
    import os
    import signal

    from ..contracts.errors import RetriableError
    from ..ops.clock import WallClock
    from .node import is_locked, lives

    os.kill(info.pid, signal.SIGTERM)
    clock = WallClock()
    deadline = clock.monotonic() + STOP_SECONDS * 1_000_000_000
    with errors.status("stopping"):
        while is_locked(settings) or lives(info.pid):
            if clock.monotonic() > deadline:
                raise RetriableError(
                    f"process {info.pid} does not stop",
                    hint=f"Look at {settings.home / 'log'}, then run `down` again.",
                )
            clock.block(0.1)


def doctor(as_json: Json = False) -> None:
    """Check this machine and installation; exit code 1 when something is wrong."""
    from ..ops.settings import load_settings
    from . import doctor as checks

    results = checks.run(load_settings())
    checks.show(results, as_json)
    if any(result.status == "wrong" for result in results):
        raise typer.Exit(ANSWER_IS_NO)


def lab(as_json: Json = False) -> None:
    """Print the address of the running JupyterLab."""
    from ..contracts.errors import NotFoundError
    from ..ops.settings import load_settings
    from .node import read_node

    info = read_node(load_settings())
    if info is None or not info.lab_url:
        raise NotFoundError("no JupyterLab is running", hint="Start it with `millstream up`.")
    if as_json:
        print_json({"lab_url": info.lab_url})
    else:
        console.print(info.lab_url, soft_wrap=True, highlight=False)


def admin_link(
    user: Annotated[str, typer.Option("--user", help="Somebody who lost password or telephone.")] = "",
    as_json: Json = False,
) -> None:
    """Print a one-time link to the first admin's account, or with --user to set up that person's login anew."""
    from ..bootstrap import ensure_database
    from ..contracts.errors import ConflictError
    from ..ops.settings import load_settings
    from . import links

    settings = load_settings()
    address, database_url = links.gateway_address(settings), ensure_database(settings)
    link = links.renewal(database_url, address, user) if user else links.first_admin(database_url, address)
    if not link:
        raise ConflictError(
            "there is an admin already",
            hint="An admin invites others, and resets who is locked out; --user lets in an admin who is.",
        )
    if as_json:
        print_json({"link": link})
    else:
        console.print(link, soft_wrap=True, highlight=False)


def demo(
    bus: Annotated[str, typer.Option(help="redis or kafka (starts a broker if none is set).")] = "",
    start: Start = None,
    as_json: Json = False,
) -> None:
    """Backtest two strategies, promote them to paper, replay the market through the running system, compare."""
    import os

    from .demo import run_demo

    chosen = bus or os.environ.get("MILLSTREAM_BUS", "") or "redis"
    if not run_async(run_demo(chosen, as_json, to_utc(start))):
        raise typer.Exit(ANSWER_IS_NO)
