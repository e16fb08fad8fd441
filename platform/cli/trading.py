"""``orders``, ``fills``, ``positions``, ``rejections``, ``portfolio``, ``risk``, ``halt`` and ``resume``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..contracts.enums import HaltState, ScopeKind
from ..contracts.errors import InputError, RetriableError
from .errors import ANSWER_IS_NO, run_async
from .options import Deployment, Json, Limit
from .output import amount, console, errors, price, print_json, show, table, when
from .store import database

if TYPE_CHECKING:
    from ..execution.queries import Filter, PortfolioSummary
    from ..ops.settings import Settings
    from ..risk.kill_switch import Halt

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
    from ..execution import queries

    with database() as connection:
        wanted = _filter(connection, deployment, portfolio, instrument, limit)
        found = queries.orders(connection, wanted)
    columns = {
        "decided (UTC)": lambda row: when(row.decided_at),
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "side": lambda row: row.side,
        "type": lambda row: f"{row.order_type} {row.leg}".strip(),
        "quantity": lambda row: row.quantity,
        "filled": lambda row: row.filled,
        "price": lambda row: price(row.average_price),
        "state": lambda row: row.state,
        "ack ms": lambda row: row.ack_ms,
    }
    empty = "none yet: promote a strategy with `millstream promote`"
    show(found, as_json, "Orders", columns, empty=empty, spare=("ack ms", "type", "filled", "deployment"))


def fills(
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: InstrumentOption = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """The newest executions, oldest first."""
    from ..execution import queries

    with database() as connection:
        wanted = _filter(connection, deployment, portfolio, instrument, limit)
        found = queries.fills(connection, wanted)
    columns = {
        "time (UTC)": lambda row: when(row.ts),
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "side": lambda row: row.side,
        "quantity": lambda row: row.quantity,
        "price": lambda row: price(row.price),
        "fee": lambda row: amount(row.fee),
        "realized P&L": lambda row: amount(row.realized_pnl),
        "note": lambda row: " ".join(filter(None, [row.leg, "late" if row.late else ""])),
    }
    show(found, as_json, "Fills", columns, empty="none yet", spare=("note", "fee", "deployment", "realized P&L"))


def positions(
    deployment: Deployment = "", portfolio: Portfolio = "", instrument: InstrumentOption = "", as_json: Json = False
) -> None:
    """Open positions with their marks and unrealised P&L."""
    from ..execution import queries

    with database() as connection:
        wanted = _filter(connection, deployment, portfolio, instrument)
        found = queries.positions(connection, wanted)
    print_json(found) if as_json else _show_positions(found)


def _show_positions(found: Iterable[Any]) -> None:
    columns = {
        "portfolio": lambda row: row.portfolio,
        "instrument": lambda row: row.instrument,
        "quantity": lambda row: row.quantity,
        "entry": lambda row: price(row.average_price),
        "mark": lambda row: price(row.mark),
        "unrealized P&L": lambda row: amount(row.unrealized_pnl),
        "realized P&L": lambda row: amount(row.realized_pnl),
        "currency": lambda row: row.currency,
    }
    show(list(found), False, "Positions", columns, empty="flat", spare=("currency", "realized P&L", "entry"))


def rejections(
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: InstrumentOption = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """What risk or the venue refused, and why."""
    from ..execution import queries

    with database() as connection:
        wanted = _filter(connection, deployment, portfolio, instrument, limit)
        found = queries.rejections(connection, wanted)
    columns = {
        "time (UTC)": lambda row: when(row.ts),
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "code": lambda row: row.code,
        "observed": lambda row: row.observed,
        "limit": lambda row: row.limit,
        "message": lambda row: row.message,
    }
    show(found, as_json, "Rejections", columns, empty="none", spare=("observed", "limit", "deployment", "instrument"))


def portfolio(
    name: Annotated[str, typer.Argument(help="A portfolio; without it, all of them.")] = "", as_json: Json = False
) -> None:
    """Cash, equity and P&L of one portfolio or of all."""
    from ..execution import queries

    with database() as connection:
        names = [name] if name else queries.portfolios(connection)
        found = [queries.portfolio(connection, one) for one in names]
    if as_json:
        print_json(found[0] if name else found)
    elif name:
        _show_portfolio(found[0])
    else:
        columns = {
            "portfolio": lambda row: row.portfolio,
            "equity": lambda row: amount(row.equity),
            "currency": lambda row: row.currency,
            "initial": lambda row: amount(row.initial_cash),
            "realized P&L": lambda row: amount(row.realized_pnl),
            "unrealized P&L": lambda row: amount(row.unrealized_pnl),
            "fees": lambda row: amount(row.fees),
            "open": lambda row: len(row.positions),
        }
        empty = "none yet: `millstream promote` opens one"
        show(found, False, "Portfolios", columns, empty=empty, spare=("initial", "fees", "open", "currency"))


def _show_portfolio(one: "PortfolioSummary") -> None:
    rows = [
        ("deployments", ", ".join(one.deployments)),
        ("market session", one.session or "live"),
        ("equity", f"{_amount(one.equity)} {one.currency}"),
        ("initial cash", f"{_amount(one.initial_cash)} {one.currency}"),
        *((f"cash {currency}", _amount(amount)) for currency, amount in one.cash.items()),
        ("realized P&L", _amount(one.realized_pnl)),
        ("unrealized P&L", _amount(one.unrealized_pnl)),
        ("fees", _amount(one.fees)),
    ]
    table(one.portfolio, ["", ""], rows)
    _show_positions(one.positions)


def _amount(value: Any) -> str:
    return f"{value:,.2f}"


def risk(deployment: Deployment = "", as_json: Json = False) -> None:
    """Halts in force, and the limits of each deployment."""
    from ..promotion.queries import get_deployment, list_deployments
    from ..risk import kill_switch

    with database() as connection:
        halts = kill_switch.active_halts(connection)
        named = [get_deployment(connection, deployment)] if deployment else None
        found = named or list_deployments(connection)
    if as_json:
        print_json({"halts": halts, "limits": {row.deployment_id: row.limits for row in found}})
        return
    columns = {
        "scope": lambda row: f"{row.scope} {row.scope_id}".strip(),
        "state": lambda row: row.state,
        "by": lambda row: row.actor,
        "reason": lambda row: row.reason,
        "since (UTC)": lambda row: when(row.changed_at),
    }
    show(halts, False, "Halts", columns, empty="none: trading is allowed")
    for row in found:
        limits = [_limit(key, value) for key, value in row.limits.items() if value is not None]
        console.print()
        table(f"Limits of {row.deployment_id}", ["limit", "value"], limits, empty="none")


def _limit(name: str, value: Any) -> tuple[str, str]:
    if name.endswith("_ns"):
        return name.removesuffix("_ns"), f"{value / 1e9:,.10g} s"
    return name, str(value)


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
    import getpass

    from ..ops.settings import load_settings
    from ..risk import kill_switch

    scope, scope_id = _scope(everything, deployment, portfolio, instrument)
    state = HaltState.REDUCE_ONLY if reduce_only else HaltState.HALTED
    settings = load_settings()
    with database(settings) as connection:
        scope_id = _known(connection, scope, scope_id)
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
    import getpass

    from ..ops.settings import load_settings
    from ..risk import kill_switch

    scope, scope_id = _scope(everything, deployment, portfolio, instrument)
    settings = load_settings()
    with database(settings) as connection:
        scope_id = _known(connection, scope, scope_id)
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


def _filter(connection: Any, deployment: str, portfolio: str, instrument: str, limit: int | None = None) -> "Filter":
    """What the options ask for. Raises :class:`NotFoundError` for a name that nothing has."""
    from ..execution.queries import Filter

    return Filter(
        deployment=_known(connection, ScopeKind.DEPLOYMENT, deployment),
        portfolio=_known(connection, ScopeKind.PORTFOLIO, portfolio),
        instrument=_known(connection, ScopeKind.INSTRUMENT, instrument),
        limit=limit,
    )


def _known(connection: Any, scope: ScopeKind, name: str) -> str:
    """``name`` in full, when something has it: a halt of a mistyped deployment would stop nothing."""
    if not name:
        return ""
    if scope is ScopeKind.DEPLOYMENT:
        from ..promotion.queries import get_deployment

        return get_deployment(connection, name).deployment_id
    if scope is ScopeKind.PORTFOLIO:
        from ..execution.queries import portfolio

        return portfolio(connection, name).portfolio
    from ..market.instruments import resolve

    return resolve(connection, name)


def _announce(settings: "Settings", row: "Halt") -> None:
    """Prompt the trading service; the row in the database stands whether or not the bus answers."""
    from ..bootstrap import ensure_servers, open_bus
    from ..risk.kill_switch import halt_record

    async def publish() -> None:
        quick = settings.model_copy(update={"bus_patience": HALT_PATIENCE})
        async with open_bus(quick, ensure_servers(settings)) as bus:
            await bus.publish([halt_record(row)])

    try:
        run_async(publish())
    except RetriableError as error:
        errors.print(
            f"[yellow]the bus does not answer[/yellow] ({error}); the trading service reads the database anyway"
        )
