"""Statistics of daily returns and of trades.

Ratios are those of backtests (:mod:`millstream.research.statistics`, which names the sources: Sharpe 1994, Sortino and
Price 1994), over daily simple returns with a risk-free rate of 0; they are None for fewer than two days.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ...contracts.money import ZERO
from .curves import Result


class Ratios(NamedTuple):
    """Annualised: volatility as a fraction, Sharpe and Sortino ratios."""

    volatility: float | None = None
    sharpe: float | None = None
    sortino: float | None = None


class Wins(NamedTuple):
    """Of closed trades after fees: the share that won, gross profit ÷ gross loss, the mean."""

    rate: float | None = None
    profit_factor: float | None = None
    average: Decimal | None = None


def ratios(days: Sequence[Result], dates: Sequence[datetime]) -> Ratios:
    """Of daily results and their dates. Pandas is loaded at the first call."""
    if len(days) < 2:
        return Ratios()
    import numpy as np
    import pandas as pd

    from ...research import statistics

    returns = np.array([day.fraction for day in days])
    periods = statistics.periods_per_year(pd.DatetimeIndex(list(dates)), "1d")
    return Ratios(
        statistics.volatility(returns, periods),
        statistics.sharpe(returns, periods),
        statistics.sortino(returns, periods),
    )


def wins(results: Sequence[Decimal]) -> Wins:
    """Of the profits of closed trades."""
    if not results:
        return Wins()
    won = sum((pnl for pnl in results if pnl > 0), ZERO)
    lost = -sum((pnl for pnl in results if pnl < 0), ZERO)
    return Wins(
        rate=sum(pnl > 0 for pnl in results) / len(results),
        profit_factor=float(won / lost) if lost else None,
        average=sum(results, ZERO) / len(results),
    )
