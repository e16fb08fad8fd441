"""``orders``, ``fills``, ``positions``, ``rejections``, ``portfolio``, ``risk``, ``halt`` and ``resume``."""

import getpass
from typing import Annotated

import typer

from ..bootstrap import ensure_servers, open_bus
from ..contracts.enums import HaltState, ScopeKind
from ..contracts.errors import InputError, RetriableError
from ..contracts.time import iso
from ..execution import queries
from ..ops.settings import Settings, load_settings
from ..promotion import queries as deployments
from ..risk import kill_switch
from .errors import ANSWER_IS_NO, run_async
from .options import Deployment, Json, Limit
from .output import console, errors, print_json, show
from .store import database

Portfolio = Annotated[str, typer.Option("--portfolio", help="Only of this portfolio.")]
InstrumentOption = Annotated[str, typer.Option("--instrument", "-i", help="Only of this instrument.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is written to the audit log.")]
Global = Annotated[bool, typer.Option("--global", help="Everything.")]
ScopeDeployment = Annotated[str, typer.Option("--deployment", "-d", help="This deployment.")]
ScopePortfolio = Annotated[str, typer.Option("--portfolio", help="This portfolio.")]
ScopeInstrument = Annotated[str, typer.Option("--instrument", "-i", help="This instrument.")]

HALT_PATIENCE = 3.0


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (orders, fills, positions, rejections, portfolio, risk, halt, resume):
        app.command()(command)


def orders(
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: InstrumentOption = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """The newest orders, oldest first, with their state and the time to the venue's acknowledgement."""
    wanted = queries.Filter(deployment=deployment, portfolio=portfolio, instrument=instrument, limit=limit)
    with database() as connection:
        found = queries.orders(connection, wanted)
    columns = {
        "decided (UTC)": lambda row: iso(row.decided_at),
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "side": lambda row: row.side,
        "type": lambda row: f"{row.order_type} {row.leg}".strip(),
        "quantity": lambda row: row.quantity,
        "filled": lambda row: row.filled,
        "price": lambda row: row.average_price,
        "state": lambda row: row.state,
        "ack ms": lambda row: row.ack_ms,
    }
    show(found, as_json, "Orders", columns, empty="none yet: promote a strategy with `millstream promote`")


def fills(
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: InstrumentOption = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """The newest executions, oldest first."""
    wanted = queries.Filter(deployment=deployment, portfolio=portfolio, instrument=instrument, limit=limit)
    with database() as connection:
        found = queries.fills(connection, wanted)
    columns = {
        "time (UTC)": lambda row: iso(row.ts),
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "side": lambda row: row.side,
        "quantity": lambda row: row.quantity,
        "price": lambda row: row.price,
        "fee": lambda row: row.fee,
        "realized P&L": lambda row: row.realized_pnl,
        "note": lambda row: " ".join(filter(None, [row.leg, "late" if row.late else ""])),
    }
    show(found, as_json, "Fills", columns, empty="none yet")


def positions(
    deployment: Deployment = "", portfolio: Portfolio = "", instrument: InstrumentOption = "", as_json: Json = False
) -> None:
    """Open positions with their marks and unrealised P&L."""
    wanted = queries.Filter(deployment=deployment, portfolio=portfolio, instrument=instrument)
    with database() as connection:
        found = queries.positions(connection, wanted)
    columns = {
        "portfolio": lambda row: row.portfolio,
        "instrument": lambda row: row.instrument,
        "quantity": lambda row: row.quantity,
        "entry": lambda row: row.average_price,
        "mark": lambda row: row.mark,
        "unrealized P&L": lambda row: row.unrealized_pnl,
        "realized P&L": lambda row: row.realized_pnl,
        "currency": lambda row: row.currency,
    }
    show(found, as_json, "Positions", columns, empty="flat")


def rejections(
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: InstrumentOption = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """What risk or the venue refused, and why."""
    wanted = queries.Filter(deployment=deployment, portfolio=portfolio, instrument=instrument, limit=limit)
    with database() as connection:
        found = queries.rejections(connection, wanted)
    columns = {
        "time (UTC)": lambda row: iso(row.ts),
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "code": lambda row: row.code,
        "observed": lambda row: row.observed,
        "limit": lambda row: row.limit,
        "message": lambda row: row.message,
    }
    show(found, as_json, "Rejections", columns, empty="none")


def portfolio(
    name: Annotated[str, typer.Argument(help="A portfolio; without it, all of them.")] = "", as_json: Json = False
) -> None:
    """Cash, equity and P&L of one portfolio or of all."""
    with database() as connection:
        names = [name] if name else queries.portfolios(connection)
        found = [queries.portfolio(connection, one) for one in names]
    columns = {
        "portfolio": lambda row: row.portfolio,
        "equity": lambda row: row.equity,
        "currency": lambda row: row.currency,
        "initial": lambda row: row.initial_cash,
        "realized P&L": lambda row: row.realized_pnl,
        "unrealized P&L": lambda row: row.unrealized_pnl,
        "fees": lambda row: row.fees,
        "cash": lambda row: ", ".join(f"{amount:,.2f} {currency}" for currency, amount in row.cash.items()),
        "open positions": lambda row: len(row.positions),
    }
    value = found[0] if name and as_json else found
    if as_json:
        print_json(value)
    else:
        show(found, as_json, "Portfolios", columns, empty="none yet: `millstream promote` opens one")


def risk(deployment: Deployment = "", as_json: Json = False) -> None:
    """Halts in force, and the limits of each deployment."""
    with database() as connection:
        halts = kill_switch.active_halts(connection)
        named = [deployments.get_deployment(connection, deployment)] if deployment else None
        found = named or deployments.list_deployments(connection)
    if as_json:
        print_json({"halts": halts, "limits": {row.deployment_id: row.limits for row in found}})
        return
    columns = {
        "scope": lambda row: f"{row.scope} {row.scope_id}".strip(),
        "state": lambda row: row.state,
        "by": lambda row: row.actor,
        "reason": lambda row: row.reason,
        "since (UTC)": lambda row: iso(row.changed_at),
    }
    show(halts, False, "Halts", columns, empty="none: trading is allowed")
    for row in found:
        limits = [(key, value) for key, value in row.limits.items() if value is not None]
        show(
            limits, False, row.deployment_id, {"limit": lambda pair: pair[0], "value": lambda pair: pair[1]}, empty="-"
        )


def halt(
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
    scope, scope_id = _scope(everything, deployment, portfolio, instrument)
    state = HaltState.REDUCE_ONLY if reduce_only else HaltState.HALTED
    settings = load_settings()
    with database(settings) as connection:
        report = kill_switch.halt(connection, scope, scope_id, getpass.getuser(), reason, state=state)
    _announce(settings, report.halt)
    if as_json:
        print_json(report)
    else:
        console.print(f"[bold red]{state.value}[/bold red]: {scope.value} {scope_id}".rstrip())
        for order in report.working:
            console.print(f"  {order.state} order {order.order_id} ({order.instrument}) is being canceled")
    if not report.sealed:
        errors.print("[bold red]a send was still in flight[/bold red]: look at `millstream orders`, then halt again")
        raise typer.Exit(ANSWER_IS_NO)


def resume(
    reason: Reason,
    everything: Global = False,
    deployment: ScopeDeployment = "",
    portfolio: ScopePortfolio = "",
    instrument: ScopeInstrument = "",
    as_json: Json = False,
) -> None:
    """Allow trading of a halted scope again."""
    scope, scope_id = _scope(everything, deployment, portfolio, instrument)
    settings = load_settings()
    with database(settings) as connection:
        row = kill_switch.resume(connection, scope, scope_id, getpass.getuser(), reason)
    _announce(settings, row)
    if as_json:
        print_json(row)
    else:
        console.print(f"[bold green]active[/bold green]: {scope.value} {scope_id}".rstrip())


def _scope(everything: bool, deployment: str, portfolio: str, instrument: str) -> tuple[ScopeKind, str]:
    named = {ScopeKind.DEPLOYMENT: deployment, ScopeKind.PORTFOLIO: portfolio, ScopeKind.INSTRUMENT: instrument}
    given = [(kind, name) for kind, name in named.items() if name]
    if len(given) + everything != 1:
        raise InputError(
            "say what is meant, once", hint="Give one of --global, --deployment, --portfolio and --instrument."
        )
    return (ScopeKind.GLOBAL, "") if everything else given[0]


def _announce(settings: Settings, row: kill_switch.Halt) -> None:
    """Prompt the trading service; the row in the database stands whether or not the bus answers."""

    async def publish() -> None:
        quick = settings.model_copy(update={"bus_patience": HALT_PATIENCE})
        async with open_bus(quick, ensure_servers(settings)) as bus:
            await bus.publish([kill_switch.halt_record(row)])

    try:
        run_async(publish())
    except RetriableError as error:
        errors.print(
            f"[yellow]the bus does not answer[/yellow] ({error}); the trading service reads the database anyway"
        )
