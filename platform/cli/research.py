"""``backtest`` and ``parity``."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..contracts.enums import Target
from .errors import ANSWER_IS_NO, run_async
from .options import DEFAULT_CAPITAL, Capital, End, Json, Parameters, Start, to_utc
from .output import console, print_json, table, when
from .promotion import money, show_step

if TYPE_CHECKING:
    from ..promotion.execute import Execution
    from ..promotion.promote import PromoteRequest
    from .paper import PaperRun

Notebook = Annotated[Path, typer.Argument(help="A strategy notebook.")]
ORDER_COLUMNS = ("decision_time", "execution_time", "instrument", "side", "quantity", "price", "fee", "status")
SHOWN_ORDERS = 20


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (backtest, parity):
        app.command()(command)


def backtest(
    notebook: Notebook,
    param: Parameters = None,
    start: Start = None,
    end: End = None,
    capital: Capital = DEFAULT_CAPITAL,
    as_json: Json = False,
) -> None:
    """Backtest a strategy notebook in a fresh kernel: statistics and every order."""
    from ..promotion.promote import backtest_notebook
    from .local_promotion import promotion_deps

    request = request_of(notebook, param, capital, start, end)

    async def run() -> "Execution":
        return await backtest_notebook(request, await promotion_deps(), show_step)

    report = run_async(run()).report
    print_json(report) if as_json else show_backtest(report)


def parity(
    notebook: Notebook,
    param: Parameters = None,
    start: Start = None,
    end: End = None,
    capital: Capital = DEFAULT_CAPITAL,
    as_json: Json = False,
) -> None:
    """Backtest, then replay the same bars in lock step through the running system, and compare order by order.

    Exit code 1 when they differ; the first difference is explained.
    """
    from ..ops.settings import load_settings
    from .replay_run import parity_run

    run = run_async(parity_run(load_settings(), request_of(notebook, param, capital, start, end)))
    print_json(run) if as_json else show_parity(run)
    if not run.equal:
        raise typer.Exit(ANSWER_IS_NO)


def request_of(
    notebook: Path, param: list[str] | None, capital: str, start: datetime | None, end: datetime | None
) -> "PromoteRequest":
    """A promotion to paper with a backtest of the given window."""
    from ..promotion.deploy import DeployRequest
    from ..promotion.promote import BacktestWindow, PromoteRequest

    cash = money(capital)
    return PromoteRequest(
        notebook=str(notebook),
        assignments=tuple(param or ()),
        deploy=DeployRequest(target=Target.PAPER, capital=cash),
        window=BacktestWindow(start=to_utc(start), end=to_utc(end), capital=cash),
    )


def show_backtest(report: dict[str, Any]) -> None:
    """Statistics and the last orders."""
    title = f"{report['strategy']} on {', '.join(report['instruments'])} {report['timeframe']} ({report['engine']})"
    table(title, ["statistic", "value"], statistic_rows(report["statistics"]))
    orders = report["orders"]
    rows = [[_order_cell(name, order[name]) for name in ORDER_COLUMNS] for order in orders[-SHOWN_ORDERS:]]
    columns = ["decided (UTC)", "executed (UTC)", *ORDER_COLUMNS[2:]]
    title = f"Last {len(rows)} of {len(orders)} orders (--json lists all)"
    console.print()
    table(title, columns, rows, empty="none", spare=("status", "fee", "executed (UTC)"))
    for rejection in report["rejections"][:SHOWN_ORDERS]:
        console.print(f"rejected {rejection['decision_time']} {rejection['instrument']}: {rejection['message']}")


def _order_cell(name: str, value: Any) -> Any:
    if name.endswith("_time"):
        return when(value)
    return Decimal(repr(value)) if isinstance(value, float) else value


def statistic_rows(statistics: dict[str, Any]) -> list[tuple[str, Any]]:
    """Name and value of each statistic, shares as per cent."""
    shares = {"total_return", "cagr", "volatility", "max_drawdown", "exposure", "win_rate"}
    return [
        (name.replace("_", " "), f"{value:.2%}" if name in shares and value is not None else value)
        for name, value in statistics.items()
    ]


def show_parity(run: "PaperRun") -> None:
    """Backtest beside paper, and the verdict."""
    verdict = "[bold green]equal[/bold green]" if run.equal else "[bold red]different[/bold red]"
    table(f"{run.release} as {run.deployment}", ["", "backtest", "paper"], parity_rows(run))
    console.print(f"{verdict}: {run.explanation}", soft_wrap=True)


def parity_rows(run: "PaperRun") -> list[tuple[str, Any, Any]]:
    """Rows (what, backtest, paper)."""
    statistics = run.statistics
    return [
        ("orders", str(run.parity["backtest_orders"]), str(run.parity["paper_orders"])),
        ("fills", None, str(run.fills)),
        ("rejections", None, str(len(run.rejections))),
        ("fees", _rounded(statistics["fees"]), _rounded(run.fees)),
        ("final equity", _rounded(statistics["final_equity"]), _rounded(run.equity)),
        ("P&L", _rounded(run.parity["backtest_pnl"]), _rounded(run.parity["paper_pnl"])),
    ]


def _rounded(value: float | Decimal) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
