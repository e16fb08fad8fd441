"""``risk``, ``halt``, ``resume``, ``pause``, ``unpause``, ``cancel`` and ``flatten``: what holds trading back."""

from typing import Annotated, Any

import typer

from ..contracts.enums import ScopeKind
from ..contracts.errors import InputError
from .backend import Filter
from .errors import ANSWER_IS_NO, request
from .names import checked, key, suggesting
from .options import Deployment, DeploymentName, Json, Reason
from .output import console, errors, print_json, show
from .where import connected

Global = Annotated[bool, typer.Option("--global", help="Everything.")]
ScopeDeployment = Annotated[str, typer.Option("--deployment", "-d", help="This deployment.")]
ScopePortfolio = Annotated[str, typer.Option("--portfolio", help="This portfolio.")]
ScopeInstrument = Annotated[str, typer.Option("--instrument", "-i", help="This instrument.")]


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (risk, halt, resume, pause, unpause, cancel, flatten):
        app.command()(command)


def risk(context: typer.Context, deployment: Deployment = "", as_json: Json = False) -> None:
    """Halts and latches in force, and limits with their use."""
    with connected(context) as platform:
        wanted = checked(platform, Filter(deployment=deployment))
        halts, latches, limits = platform.halts(), platform.latches(wanted), platform.limits(wanted)
    if as_json:
        print_json({"halts": halts, "latches": latches, "limits": limits})
        return
    show_halts(halts)
    columns = {
        "scope": lambda row: f"{row.scope} {row.scope_id}".strip(),
        "latch": lambda row: row.name,
        "since (UTC)": lambda row: row.time,
        "until (UTC)": lambda row: row.value.get("until"),
    }
    show(latches, False, "Latches", columns, empty="none has tripped")
    columns = {
        "deployment": lambda row: row.deployment,
        "limit": lambda row: row.name,
        "at most": lambda row: row.limit,
        "used": lambda row: row.used,
        "unit": lambda row: row.unit,
        "use": lambda row: None if row.use is None else f"{row.use:.0%}",
    }
    show(limits, False, "Limits", columns, empty="none: nothing is deployed", spare=("unit",))


def show_halts(halts: list[Any]) -> None:
    """The scopes in which trading is stopped or reduced."""
    columns = {
        "scope": lambda row: f"{row.scope} {row.scope_id}".strip(),
        "state": lambda row: row.state,
        "by": lambda row: row.actor,
        "reason": lambda row: row.reason,
        "since (UTC)": lambda row: row.changed_at,
    }
    show(halts, False, "Halts", columns, empty="none: trading is allowed")


def halt(
    context: typer.Context,
    reason: Reason,
    everything: Global = False,
    deployment: ScopeDeployment = "",
    portfolio: ScopePortfolio = "",
    instrument: ScopeInstrument = "",
    reduce_only: Annotated[
        bool, typer.Option("--reduce-only", help="Still allow orders that reduce a position.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop trading: once this returns, no order of the scope can be sent; working orders are canceled."""
    from ..contracts.api.trading import HaltRequest

    wanted = Filter(deployment=deployment, portfolio=portfolio, instrument=instrument)
    scope = _scope(everything, wanted)
    with connected(context) as platform, suggesting(platform, wanted):
        name = _name(wanted) or key(platform, instrument)
        result = platform.halt(request(HaltRequest, scope=scope, scope_id=name, reason=reason, reduce_only=reduce_only))
    if as_json:
        print_json(result)
    else:
        console.print(f"[bold red]{result.halt.state}[/bold red]: {scope.value} {name}".rstrip())
        for order in result.working:
            console.print(f"  order {order} is being canceled")
    if not result.sealed:
        errors.print("[bold red]a send was still in flight[/bold red]: look at `millstream orders`, then halt again")
        raise typer.Exit(ANSWER_IS_NO)


def resume(
    context: typer.Context,
    reason: Reason,
    everything: Global = False,
    deployment: ScopeDeployment = "",
    portfolio: ScopePortfolio = "",
    instrument: ScopeInstrument = "",
    as_json: Json = False,
) -> None:
    """Allow trading of a halted scope again."""
    from ..contracts.api.trading import ResumeRequest

    wanted = Filter(deployment=deployment, portfolio=portfolio, instrument=instrument)
    scope = _scope(everything, wanted)
    with connected(context) as platform, suggesting(platform, wanted):
        name = _name(wanted) or key(platform, instrument)
        row = platform.resume(request(ResumeRequest, scope=scope, scope_id=name, reason=reason))
    if as_json:
        print_json(row)
    else:
        console.print(f"[bold green]{row.state}[/bold green]: {scope.value} {name}".rstrip())


def pause(context: typer.Context, deployment: DeploymentName, as_json: Json = False) -> None:
    """Let a deployment only reduce its positions; its runner goes on."""
    with connected(context) as platform, suggesting(platform, Filter(deployment=deployment)):
        found = platform.pause(deployment)
    print_json(found) if as_json else console.print(f"{found.deployment} is paused: {found.halt}")


def unpause(context: typer.Context, deployment: DeploymentName, as_json: Json = False) -> None:
    """Let a paused deployment trade again."""
    with connected(context) as platform, suggesting(platform, Filter(deployment=deployment)):
        found = platform.unpause(deployment)
    print_json(found) if as_json else console.print(f"{found.deployment} is not paused any more: {found.halt}")


def cancel(
    context: typer.Context,
    order: Annotated[str, typer.Argument(help="An order; `millstream orders` lists them.")],
    as_json: Json = False,
) -> None:
    """Cancel a working order, and wait until it has ended."""
    with connected(context) as platform:
        found = platform.cancel(order)
    if as_json:
        print_json(found)
    else:
        console.print(f"order {found.order} is {found.state}; {found.filled:f} of {found.quantity:f} were filled")


def flatten(
    context: typer.Context,
    deployment: ScopeDeployment = "",
    portfolio: ScopePortfolio = "",
    instrument: ScopeInstrument = "",
    yes: Annotated[bool, typer.Option("--yes", help="It is meant: positions are closed at the market.")] = False,
    as_json: Json = False,
) -> None:
    """Cancel what works and close what is held, of a deployment or portfolio; exit code 1 when an order is refused."""
    from ..contracts.api.trading import Flatten

    if not yes:
        raise InputError("flattening closes positions at the market", hint="Add --yes when you mean it.")
    wanted = Filter(deployment=deployment, portfolio=portfolio)
    with connected(context) as platform, suggesting(platform, wanted):
        only = key(platform, instrument)
        result = platform.flatten(
            request(Flatten, deployment=deployment, portfolio=portfolio, instrument=only, confirm=True)
        )
    refused = [one for one in result.closing if one.order is None]
    if as_json:
        print_json(result)
    else:
        _show_closing(result)
    if refused:
        raise typer.Exit(ANSWER_IS_NO)


def _show_closing(result: Any) -> None:
    columns = {
        "intent": lambda row: row.intent,
        "instrument": lambda row: (row.order or row.rejection).instrument,
        "side": lambda row: row.order and row.order.side,
        "quantity": lambda row: row.order and row.order.quantity,
        "state": lambda row: row.order.state if row.order else "refused",
        "why": lambda row: row.rejection and row.rejection.message,
    }
    for order in result.canceling:
        console.print(f"order {order} is being canceled")
    show(list(result.closing), False, "Closing orders", columns, empty="nothing is held", spare=("intent",))


def _scope(everything: bool, wanted: Filter) -> ScopeKind:
    named = {
        ScopeKind.GLOBAL: everything,
        ScopeKind.DEPLOYMENT: wanted.deployment,
        ScopeKind.PORTFOLIO: wanted.portfolio,
        ScopeKind.INSTRUMENT: wanted.instrument,
    }
    given = [kind for kind, name in named.items() if name]
    if len(given) != 1:
        raise InputError(
            "say what is meant, once", hint="Give one of --global, --deployment, --portfolio and --instrument."
        )
    return given[0]


def _name(wanted: Filter) -> str:
    return wanted.deployment or wanted.portfolio
