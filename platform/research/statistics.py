"""Statistics of a run. Returns are simple returns of equity from close to close; the risk-free rate is 0.

Sources: Sharpe (1994), "The Sharpe Ratio", with the sample standard deviation; Sortino and Price (1994), downside
deviation over all periods with a target of 0; Magdon-Ismail and Atiya (2004) for maximum drawdown; Young (1991) for the
Calmar ratio (CAGR ÷ maximum drawdown).
"""

import math
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from ..contracts.time import SECOND, timeframe_ns
from .equity import Curves

_YEAR = 365.25 * 86_400 * SECOND
_DAY = 86_400 * SECOND
_TRADING_DAYS = 252
_ALWAYS_OPEN = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Fractions unless the name says otherwise (0.1 = 10 %); ``None`` where the run is too short to say.

    ``exposure``: mean of Σ |position value| ÷ equity. ``turnover``: traded notional ÷ mean equity, a year.
    ``win_rate`` and ``profit_factor`` (gross profit ÷ gross loss) count closed trades after fees.
    """

    start: str
    end: str
    bars: int
    final_equity: float
    profit: float
    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_days: float
    exposure: float
    turnover: float | None
    orders: int
    trades: int
    win_rate: float | None
    profit_factor: float | None
    fees: float
    periods_per_year: float

    def to_dict(self) -> dict[str, float | int | str | None]:
        return asdict(self)


def periods_per_year(index: pd.DatetimeIndex, timeframe: str) -> float:
    """Bars a year.

    The calendar's for a market that never closes, 252 for daily bars with weekends off, else what the index shows.
    """
    length = timeframe_ns(timeframe)
    if len(index) < 2:
        return _YEAR / length
    span = index.as_unit("ns").asi8[-1] - index.as_unit("ns").asi8[0] + length
    observed = len(index) * _YEAR / span
    if observed >= _ALWAYS_OPEN * _YEAR / length:
        return _YEAR / length
    return float(_TRADING_DAYS) if length == _DAY and not (index.day_of_week >= 5).any() else float(observed)


def statistics(
    curves: Curves, capital: float, timeframe: str, *, traded: float, fees: float, orders: int, trades: pd.DataFrame
) -> Statistics:
    """Statistics of one run; ``traded`` is the traded notional, ``fees`` the sum paid, both in currency."""
    equity = np.concatenate([[capital], curves.equity.to_numpy()])
    index = pd.DatetimeIndex(curves.equity.index)
    periods = periods_per_year(index, timeframe)
    years = len(index) / periods
    returns = np.diff(equity) / equity[:-1] if (equity[:-1] > 0).all() else np.full(len(index), np.nan)
    growth = _growth(equity[-1] / capital, years)
    drawdown, days = _drawdown(equity, timeframe, index)
    return Statistics(
        start=str(index[0]),
        end=str(index[-1]),
        bars=len(index),
        final_equity=float(equity[-1]),
        profit=float(equity[-1] - capital),
        total_return=float(equity[-1] / capital - 1),
        cagr=growth,
        volatility=volatility(returns, periods),
        sharpe=sharpe(returns, periods),
        sortino=sortino(returns, periods),
        calmar=None if growth is None or drawdown >= 0 else growth / -drawdown,
        max_drawdown=drawdown,
        max_drawdown_days=days,
        exposure=float(curves.exposure.mean()),
        turnover=_finite(traded / equity.mean() / years) if years > 0 and equity.mean() > 0 else None,
        orders=orders,
        trades=len(trades),
        win_rate=float((trades["pnl"] > 0).mean()) if len(trades) else None,
        profit_factor=_profit_factor(trades["pnl"]),
        fees=fees,
        periods_per_year=periods,
    )


def volatility(returns: np.ndarray, periods: float) -> float | None:
    """Sample standard deviation of simple ``returns``, annualised by ``periods`` a year; None for fewer than two."""
    return _finite(np.std(returns, ddof=1) * math.sqrt(periods)) if len(returns) > 1 else None


def sharpe(returns: np.ndarray, periods: float) -> float | None:
    """Mean ÷ sample standard deviation of simple ``returns``, annualised; None where that has no value."""
    return _ratio(returns, np.std(returns, ddof=1) if len(returns) > 1 else 0.0, periods)


def sortino(returns: np.ndarray, periods: float) -> float | None:
    """Mean ÷ downside deviation (over all periods, target 0) of simple ``returns``, annualised; None without losses."""
    return _ratio(returns, np.sqrt(np.mean(np.minimum(returns, 0) ** 2)) if len(returns) else 0.0, periods)


def drawdown_curve(equity: pd.Series, capital: float) -> pd.Series:
    """Distance from the highest equity so far (the capital included), as a fraction, never positive."""
    peak = equity.cummax().clip(lower=capital)
    return (equity / peak - 1).rename("drawdown")


def _growth(total: float, years: float) -> float | None:
    if years <= 0 or total <= 0:
        return None
    try:
        return _finite(total ** (1 / years) - 1)
    except OverflowError:
        return None


def _ratio(returns: np.ndarray, deviation: float, periods: float) -> float | None:
    return _finite(returns.mean() / deviation * math.sqrt(periods)) if deviation > 1e-15 else None


def _drawdown(equity: np.ndarray, timeframe: str, index: pd.DatetimeIndex) -> tuple[float, float]:
    """Deepest drawdown (≤ 0) and the longest time below a peak in days."""
    peak = np.maximum.accumulate(equity)
    depth = float((equity / peak - 1).min())
    first = index[0] - pd.Timedelta(timeframe_ns(timeframe), unit="ns")
    times = index.insert(0, first)
    at_peak = pd.Series(np.where(equity >= peak, times.as_unit("ns").asi8, np.nan)).ffill().to_numpy()
    return depth, float((times.as_unit("ns").asi8 - at_peak).max() / _DAY)


def _profit_factor(pnl: pd.Series) -> float | None:
    lost = -pnl[pnl < 0].sum()
    return _finite(pnl[pnl > 0].sum() / lost) if lost > 0 else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
