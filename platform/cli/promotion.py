"""``promote``, ``releases``, ``deployments``, ``start``, ``stop`` and ``logs``."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..contracts.enums import Target
from ..contracts.errors import InputError
from .errors import run_async
from .options import DEFAULT_CAPITAL, Capital, Json, Parameters
from .output import console, errors, print_json, show, when
from .store import database

if TYPE_CHECKING:
    from ..promotion.promote import PromoteRequest, PromotionDeps
    from ..promotion.queries import Deployment

DeploymentName = Annotated[str, typer.Argument(help="A deployment; `millstream deployments` lists them.")]


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (promote, releases, deployments, start, stop, logs):
        app.command()(command)


def show_step(step: str, message: str) -> None:
    """One line on standard error for each step of a promotion."""
    style = "yellow" if step == "warning" else "cyan"
    errors.print(f"[{style}]{step:>8}[/{style}]  {escape(message)}", soft_wrap=True)


def promote(
    notebook: Annotated[Path, typer.Argument(help="A strategy notebook.")],
    to: Annotated[Target, typer.Option("--to", help="Where it is to trade.")] = Target.PAPER,
    param: Parameters = None,
    capital: Capital = DEFAULT_CAPITAL,
    session: Annotated[str, typer.Option("--session", help="Market session (default: the open one that fits).")] = "",
    limits: Annotated[
        Path | None, typer.Option("--limits", help="JSON file of risk limits, over the defaults.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the deployment (default: the strategy's).")] = "",
    as_json: Json = False,
) -> None:
    """Inspect, bundle, backtest, register and deploy a strategy notebook, and start its runner."""
    import getpass

    from ..ops.settings import load_settings
    from ..promotion.deploy import DeployRequest
    from ..promotion.promote import PromoteRequest
    from .node import read_node

    deploy = DeployRequest(
        target=to,
        session=session or None,
        capital=money(capital),
        limits=_limits(limits),
        deployment_id=name,
        author=getpass.getuser(),
    )
    request = PromoteRequest(notebook=str(notebook), deploy=deploy, assignments=tuple(param or ()))
    deployment = run_async(_promote(request))
    if as_json:
        print_json(deployment)
        return
    console.print(f"[bold green]{deployment.deployment_id}[/bold green] = {deployment.release} on {deployment.target}")
    if read_node(load_settings()) is None:
        console.print("[yellow]The platform is not running:[/yellow] `millstream up` starts it, and this with it.")
    else:
        console.print("Follow it with `millstream deployments`, `millstream orders`, `millstream logs`.")


def releases(as_json: Json = False) -> None:
    """Registered releases, the newest first."""
    from ..promotion.registry import list_releases

    with database() as connection:
        found = list_releases(connection)
    columns = {
        "release": lambda row: row.ref,
        "strategy": lambda row: row.strategy,
        "instruments": lambda row: ", ".join(row.instruments),
        "timeframe": lambda row: row.timeframe,
        "parameters": lambda row: _pairs(row.parameters),
        "return": lambda row: f"{row.report['statistics']['total_return']:.1%}",
        "created (UTC)": lambda row: when(row.created_at.replace(second=0, microsecond=0)),
    }
    spare = ("strategy", "created (UTC)", "parameters")
    empty = "none yet: `millstream promote strategies/sma_cross.ipynb`"
    show(found, as_json, "Releases", columns, empty=empty, spare=spare)


def deployments(as_json: Json = False) -> None:
    """Deployments and their runners, the newest first."""
    from ..promotion import queries

    with database() as connection:
        found = queries.list_deployments(connection)
    columns = {
        "deployment": lambda row: row.deployment_id,
        "release": lambda row: row.release,
        "target": lambda row: str(row.target),
        "session": lambda row: row.session or "live",
        "state": lambda row: str(row.state),
        "desired": lambda row: str(row.desired_state),
        "last slice (UTC)": lambda row: when(row.checkpoint_ts),
        "restarts": lambda row: row.restarts,
        "message": lambda row: row.message,
    }
    spare = ("target", "restarts", "desired", "release", "session")
    empty = "none yet: `millstream promote strategies/sma_cross.ipynb`"
    show(found, as_json, "Deployments", columns, empty=empty, spare=spare)


def start(deployment: DeploymentName, as_json: Json = False) -> None:
    """Have a deployment run."""
    _tell(run_async(_change(deployment, run=True)), as_json)


def stop(deployment: DeploymentName, as_json: Json = False) -> None:
    """Have a deployment end; its working orders stay (`millstream halt` cancels those)."""
    _tell(run_async(_change(deployment, run=False)), as_json)


def logs(
    deployment: DeploymentName,
    lines: Annotated[int, typer.Option("--lines", min=1, help="How many lines at most.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """What the runner of a deployment printed."""
    from ..promotion.logs import log_of, tail
    from ..promotion.queries import get_deployment

    if follow and as_json:
        raise InputError("--follow has no end, and so no JSON document", hint="Leave out --follow or --json.")
    with database() as connection:
        file = log_of(get_deployment(connection, deployment))
    if follow:
        run_async(_follow(file))
    elif as_json:
        print_json(tail(file, lines))
    else:
        for line in tail(file, lines):
            _print_line(line)


async def _follow(file: Path) -> None:
    from ..ops.clock import WallClock
    from ..promotion.logs import follow

    async for line in follow(file, WallClock()):
        _print_line(line)


def _print_line(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


async def _promote(request: "PromoteRequest") -> "Deployment":
    import asyncio

    from ..promotion.promote import promote as promote_notebook
    from .node import read_node, sample_market

    deps = await promotion_deps()
    if read_node(deps.settings) is None:  # before the first `up` too, the market that it plays is there to deploy to
        await asyncio.to_thread(sample_market, deps.endpoints.database_url)
    return await promote_notebook(request, deps, show_step)


async def promotion_deps() -> "PromotionDeps":
    """What a promotion works with; servers are started when none runs."""
    import asyncio

    from ..bootstrap import ensure_servers
    from ..ops.clock import WallClock
    from ..ops.settings import load_settings
    from ..promotion.promote import PromotionDeps

    settings = load_settings()
    return PromotionDeps(settings, await asyncio.to_thread(ensure_servers, settings), WallClock())


async def _change(deployment: str, *, run: bool) -> "Deployment":
    import getpass

    from ..promotion.promote import start_deployment, stop_deployment

    change = start_deployment if run else stop_deployment
    return await change(deployment, await promotion_deps(), getpass.getuser())


def _tell(deployment: "Deployment", as_json: bool) -> None:
    if as_json:
        print_json(deployment)
    else:
        console.print(f"{deployment.deployment_id} is to be {deployment.desired_state}; it is {deployment.state} now")


def money(text: str) -> Decimal:
    """An amount of ``--capital``. Raises :class:`InputError` unless it is a number above zero."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0:
        raise InputError(f"--capital {text} is not an amount above zero", hint="For example --capital 100000.")
    return value


def _limits(file: Path | None) -> dict[str, Any]:
    import json

    if file is None:
        return {}
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON: {error}", hint="See docs/risk.md for the limits.") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} is not a JSON object", hint='For example {"max_order_qty": "500"}.')
    return found


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
