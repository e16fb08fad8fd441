"""``orders``, ``fills``, ``positions``, ``rejections`` and ``portfolio``."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .backend import Filter
from .names import checked, suggesting
from .options import Deployment, Instrument, Json, Limit, Portfolio
from .output import amount, console, price, print_json, show, table, when
from .where import connected

if TYPE_CHECKING:
    from ..contracts.api.trading import Portfolio as Account

Columns = Mapping[str, Callable[[Any], Any]]


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (orders, fills, positions, rejections, portfolio):
        app.command()(command)


def orders(
    context: typer.Context,
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: Instrument = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """The newest orders, oldest first, with their state and the time to the venue's acknowledgement."""
    with connected(context) as platform:
        wanted = checked(platform, Filter(deployment=deployment, portfolio=portfolio, instrument=instrument))
        found = platform.orders(wanted, limit)
    columns: Columns = {
        "decided (UTC)": lambda row: row.decided_at,
        "order": lambda row: row.order,
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
    show(
        found[::-1], as_json, "Orders", columns, empty=empty, spare=("order", "ack ms", "type", "filled", "deployment")
    )


def fills(
    context: typer.Context,
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: Instrument = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """The newest executions, oldest first."""
    with connected(context) as platform:
        wanted = checked(platform, Filter(deployment=deployment, portfolio=portfolio, instrument=instrument))
        found = platform.fills(wanted, limit)
    columns: Columns = {
        "time (UTC)": lambda row: row.time,
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "side": lambda row: row.side,
        "quantity": lambda row: row.quantity,
        "price": lambda row: price(row.price),
        "fee": lambda row: amount(row.fee),
        "realized P&L": lambda row: amount(row.realized_pnl),
        "note": lambda row: " ".join(filter(None, [row.leg, "late" if row.late else ""])),
    }
    show(found[::-1], as_json, "Fills", columns, empty="none yet", spare=("note", "fee", "deployment", "realized P&L"))


def positions(
    context: typer.Context,
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: Instrument = "",
    as_json: Json = False,
) -> None:
    """Open positions with their marks and unrealised P&L."""
    with connected(context) as platform:
        wanted = checked(platform, Filter(deployment=deployment, portfolio=portfolio, instrument=instrument))
        found = platform.positions(wanted)
    print_json(found) if as_json else _show_positions(found)


def _show_positions(found: Iterable[Any]) -> None:
    columns: Columns = {
        "portfolio": lambda row: row.portfolio,
        "instrument": lambda row: row.instrument,
        "quantity": lambda row: row.quantity,
        "entry": lambda row: price(row.average_price),
        "mark": lambda row: price(row.mark),
        "stop": lambda row: price(row.stop_price),
        "target": lambda row: price(row.target_price),
        "unrealized P&L": lambda row: amount(row.unrealized_pnl),
        "realized P&L": lambda row: amount(row.realized_pnl),
        "currency": lambda row: row.currency,
    }
    spare = ("currency", "realized P&L", "stop", "target", "entry")
    show(list(found), False, "Positions", columns, empty="flat", spare=spare)


def rejections(
    context: typer.Context,
    deployment: Deployment = "",
    portfolio: Portfolio = "",
    instrument: Instrument = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """What risk or the venue refused, and why."""
    with connected(context) as platform:
        wanted = checked(platform, Filter(deployment=deployment, portfolio=portfolio, instrument=instrument))
        found = platform.rejections(wanted, limit)
    columns: Columns = {
        "time (UTC)": lambda row: row.time,
        "deployment": lambda row: row.deployment,
        "instrument": lambda row: row.instrument,
        "code": lambda row: row.code,
        "observed": lambda row: row.observed,
        "limit": lambda row: row.limit,
        "message": lambda row: row.message,
    }
    spare = ("observed", "limit", "deployment", "instrument")
    show(found[::-1], as_json, "Rejections", columns, empty="none", spare=spare)


def portfolio(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A portfolio; without it, all of them.")] = "",
    as_json: Json = False,
) -> None:
    """Cash, equity and P&L of one portfolio or of all."""
    with connected(context) as platform:
        if not name:
            _show_portfolios(platform.portfolios(), as_json)
            return
        with suggesting(platform, Filter(portfolio=name)):
            one = platform.portfolio(name)
        held = platform.positions(Filter(portfolio=name))
    if as_json:
        print_json({"portfolio": one, "positions": held})
    else:
        _show_portfolio(one)
        _show_positions(held)


def _show_portfolios(found: "list[Account]", as_json: bool) -> None:
    columns: Columns = {
        "portfolio": lambda row: row.portfolio,
        "equity": lambda row: amount(row.equity),
        "currency": lambda row: row.currency,
        "initial": lambda row: amount(row.initial_cash),
        "day P&L": lambda row: amount(row.day_pnl),
        "realized P&L": lambda row: amount(row.realized_pnl),
        "unrealized P&L": lambda row: amount(row.unrealized_pnl),
        "drawdown": lambda row: f"{row.drawdown:.1%}",
        "fees": lambda row: amount(row.fees),
    }
    empty = "none yet: `millstream promote` opens one"
    show(found, as_json, "Portfolios", columns, empty=empty, spare=("initial", "fees", "drawdown", "currency"))


def _show_portfolio(one: "Account") -> None:
    money = {
        "equity": one.equity,
        "initial cash": one.initial_cash,
        "realized P&L": one.realized_pnl,
        "unrealized P&L": one.unrealized_pnl,
        "P&L of the day": one.day_pnl,
        "exposure": one.exposure,
        "fees": one.fees,
    }
    rows = [
        ("deployments", ", ".join(one.deployments)),
        ("market session", one.session or "live"),
        *((name, f"{value:,.2f} {one.currency}") for name, value in money.items()),
        *((f"cash {currency}", f"{value:,.2f}") for currency, value in one.cash.items()),
        ("drawdown", f"{one.drawdown:.1%}"),
        ("updated (UTC)", when(one.updated_at)),
    ]
    table(one.portfolio, ["", ""], rows)
    console.print()
