"""Reports over any selection and period, and the overview."""

from decimal import Decimal

from .base import Answer, Time
from .trading import Trade


class PeriodResult(Answer):
    """One day or month (``period`` as 2012-03 or 2012-03-01): P&L after fees, return on the equity at its start."""

    period: str
    pnl: Decimal
    return_pct: float
    trades: int
    fees: Decimal


class Attribution(Answer):
    """What one strategy or instrument brought in the period."""

    name: str
    pnl: Decimal
    fees: Decimal
    trades: int
    win_rate: float | None = None
    traded_notional: Decimal


class Drawdown(Answer):
    """A decline of equity from a peak: ``depth`` is a fraction, ``recovered_at`` None while it lasts."""

    depth: float
    peak_at: Time
    trough_at: Time
    recovered_at: Time | None = None


class BacktestComparison(Answer):
    """A deployment beside the backtest of its release, over the same bars where they overlap."""

    deployment: str
    orders_paper: int
    orders_backtest: int
    pnl_paper: Decimal
    pnl_backtest: Decimal | None = None
    explanation: str = ""


class Report(Answer):
    """Performance of one target (paper or live) and currency: the two are never added.

    ``trades_per_day`` counts round trips per day of market time; ratios are annualised from daily returns, None where
    there are too few.
    """

    target: str
    currency: str
    deployments: tuple[str, ...]
    start: Time | None = None
    end: Time | None = None
    initial: Decimal
    final: Decimal
    pnl: Decimal
    return_pct: float
    fees: Decimal
    max_drawdown: float
    volatility: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    win_rate: float | None = None
    profit_factor: float | None = None
    trades: int
    trades_per_day: float
    average_trade: Decimal | None = None
    best: Trade | None = None
    worst: Trade | None = None
    days: tuple[PeriodResult, ...] = ()
    months: tuple[PeriodResult, ...] = ()
    by_strategy: tuple[Attribution, ...] = ()
    by_instrument: tuple[Attribution, ...] = ()
    drawdowns: tuple[Drawdown, ...] = ()


class TargetTotals(Answer):
    """Sums over the selected portfolios of one target and currency.

    ``drawdown`` is a fraction of the peak of their summed equity; it is never more than ``max_drawdown`` of the report
    of the same selection without a period.
    """

    target: str
    currency: str
    equity: Decimal
    initial_cash: Decimal
    day_pnl: Decimal
    pnl: Decimal
    drawdown: float
    exposure: Decimal
    cash: Decimal
    fees: Decimal
    open_trades: int
    closed_trades: int


class Overview(Answer):
    """The first page: totals by target and currency, runners by state, halts in force, cash by target and currency."""

    totals: tuple[TargetTotals, ...]
    runners: dict[str, int]
    halts: int
    balances: dict[str, dict[str, Decimal]]
    rejections_today: int
