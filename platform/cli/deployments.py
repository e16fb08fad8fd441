"""``status``, ``releases``, ``deployments``, ``start``, ``stop`` and ``logs``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..contracts.errors import InputError, RetriableError
from .backend import Filter
from .errors import ANSWER_IS_NO
from .names import suggesting
from .options import DeploymentName, Json
from .output import amount, console, errors, print_json, show, when
from .stopping import show_halts
from .where import connected

if TYPE_CHECKING:
    from ..contracts.api.promotion import Deployment
    from .backend import Backend

FOLLOW_SECONDS = 0.5


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (status, releases, deployments, start, stop, logs):
        app.command()(command)


def status(context: typer.Context, as_json: Json = False) -> None:
    """Whether the platform works, what runs on it and what is halted; exit code 1 when something does not work."""
    with connected(context) as platform:
        health, found, halts = platform.status(), platform.deployments(), platform.halts()
    if as_json:
        print_json({"health": health, "deployments": found, "halts": halts})
    else:
        columns = {
            "service": lambda row: row.name,
            "state": lambda row: "ok" if row.ok else "WRONG",
            "detail": lambda row: row.detail,
        }
        show(list(health.checks), False, f"Millstream {health.version}", columns, empty="nothing was checked")
        show_deployments(found, as_json=False)
        show_halts(halts)
    if health.status != "ok":
        raise typer.Exit(ANSWER_IS_NO)


def releases(context: typer.Context, as_json: Json = False) -> None:
    """Registered releases, the newest first."""
    with connected(context) as platform:
        found = platform.releases()
    columns = {
        "release": lambda row: row.ref,
        "strategy": lambda row: row.strategy,
        "instruments": lambda row: ", ".join(row.instruments),
        "timeframe": lambda row: row.timeframe,
        "parameters": lambda row: ", ".join(f"{name}={value}" for name, value in row.parameters.items()),
        "return": lambda row: _return(row.report),
        "created (UTC)": lambda row: when(row.created_at.replace(second=0, microsecond=0)),
    }
    spare = ("strategy", "created (UTC)", "parameters")
    empty = "none yet: `millstream promote strategies/sma_cross.ipynb`"
    show(found, as_json, "Releases", columns, empty=empty, spare=spare)


def _return(report: dict[str, Any]) -> str | None:
    value = report.get("statistics", {}).get("total_return")
    return None if value is None else f"{value:.1%}"


def deployments(context: typer.Context, as_json: Json = False) -> None:
    """Deployments with their runners and P&L, the newest first."""
    with connected(context) as platform:
        found = platform.deployments()
    show_deployments(found, as_json=as_json)


def show_deployments(found: "list[Deployment]", *, as_json: bool) -> None:
    """Deployments as a table, or as JSON."""
    columns = {
        "deployment": lambda row: row.deployment,
        "release": lambda row: row.release,
        "target": lambda row: str(row.target),
        "session": lambda row: row.session or "live",
        "state": lambda row: str(row.state),
        "desired": lambda row: str(row.desired_state),
        "halt": lambda row: row.halt,
        "P&L": lambda row: amount(row.realized_pnl + row.unrealized_pnl - row.fees),
        "equity": lambda row: amount(row.equity),
        "last slice (UTC)": lambda row: row.last_slice,
        "restarts": lambda row: row.restarts,
        "message": lambda row: row.message,
    }
    spare = ("target", "restarts", "desired", "release", "session", "equity", "halt")
    empty = "none yet: `millstream promote strategies/sma_cross.ipynb`"
    show(found, as_json, "Deployments", columns, empty=empty, spare=spare)


def start(context: typer.Context, deployment: DeploymentName, as_json: Json = False) -> None:
    """Have a deployment run."""
    with connected(context) as platform, suggesting(platform, Filter(deployment=deployment)):
        _tell(platform.start(deployment), as_json)


def stop(context: typer.Context, deployment: DeploymentName, as_json: Json = False) -> None:
    """Have a deployment end; its working orders stay (`millstream halt` cancels those)."""
    with connected(context) as platform, suggesting(platform, Filter(deployment=deployment)):
        _tell(platform.stop(deployment), as_json)


def _tell(deployment: "Deployment", as_json: bool) -> None:
    if as_json:
        print_json(deployment)
    else:
        console.print(f"{deployment.deployment} is to be {deployment.desired_state}; it is {deployment.state} now")


def logs(
    context: typer.Context,
    deployment: DeploymentName,
    lines: Annotated[int, typer.Option("--lines", min=1, max=5000, help="How many lines at most.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """What the runner of a deployment printed."""
    if follow and as_json:
        raise InputError("--follow has no end, and so no JSON document", hint="Leave out --follow or --json.")
    with connected(context) as platform, suggesting(platform, Filter(deployment=deployment)):
        if follow:
            _follow(platform, deployment, lines)
        found = platform.log(deployment, lines=lines)
    print_json(found) if as_json else _print(found.text)


def _follow(platform: "Backend", deployment: str, lines: int) -> None:
    """Until Ctrl-C; once it has begun, a passing fault (a gateway that is started again) does not end it."""
    from ..ops.clock import WallClock

    clock, part, lost = WallClock(), platform.log(deployment, lines=lines), False
    while True:
        _print(part.text)
        if lost or not part.text:
            clock.block(FOLLOW_SECONDS)
        try:
            part, lost = platform.log(deployment, lines=lines, after=part.next), False
        except RetriableError as error:
            if not lost:
                errors.print(f"[yellow]waiting:[/yellow] {escape(str(error))}", soft_wrap=True)
            part, lost = part.model_copy(update={"text": ""}), True


def _print(text: str) -> None:
    console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
