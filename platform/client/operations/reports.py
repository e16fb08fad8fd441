"""Overview and reports."""

from ...contracts.api.base import Page
from ...contracts.api.reports import BacktestComparison, Overview, Report
from ..calls import Operation
from ..parameters import OneDeployment, Selection


class ReportOperations:
    """Figures over any selection and period."""

    overview = Operation("GET", "/overview", Selection, Overview, "Totals of the selection, by target and currency.")
    report = Operation("GET", "/reports", Selection, Page[Report], "Performance, one for each target and currency.")
    compare_backtest = Operation(
        "GET", "/reports/backtest", OneDeployment, BacktestComparison, "A deployment beside its release's backtest."
    )
    export_trades = Operation("GET", "/trades.csv", Selection, str, "Round trips as CSV.")
