"""``promote``."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ..contracts.enums import Target
from ..contracts.errors import InputError
from .backend import Wish
from .options import DEFAULT_CAPITAL, Capital, Json, Parameters
from .output import console, errors, print_json
from .where import connected


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(promote)


def show_step(step: str, message: str) -> None:
    """One line on standard error for each step of a promotion."""
    style = "yellow" if step == "warning" else "cyan"
    errors.print(f"[{style}]{escape(step):>8}[/{style}]  {escape(message)}", soft_wrap=True)


def promote(
    context: typer.Context,
    notebook: Annotated[Path, typer.Argument(help="A strategy notebook; at a gateway, its path in the workspace.")],
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
    wish = Wish(
        notebook=str(notebook),
        target=to,
        assignments=tuple(param or ()),
        capital=money(capital),
        session=session,
        limits=_limits(limits),
        name=name,
    )
    with connected(context) as platform:
        made = platform.promote(wish, show_step)
    if as_json:
        print_json(made)
        return
    console.print(f"[bold green]{made.deployment}[/bold green] = {made.release} on {made.target}")
    console.print("Follow it with `millstream deployments`, `millstream orders`, `millstream logs`.")


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
