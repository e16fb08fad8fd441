"""``BacktestResult``: orders, curves and statistics of one run, and how they look in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from ..sdk.strategy import Strategy
from .candles import Candles
from .equity import Curves
from .indicators import Indicators, Shown
from .orders import Execution, OrderLine, orders_frame
from .statistics import Statistics, drawdown_curve, statistics
from .trades import closed_trades

if TYPE_CHECKING:
    from vectorbt.portfolio.base import Portfolio

Engine = Literal["vectorbt", "replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An intent that the trading core refused: decision time (UTC ns), instrument, code and message."""

    decided_at: int
    instrument: str
    code: str
    message: str


@dataclass(frozen=True, repr=False)
class BacktestResult:
    """One run, made by ``engine``.

    ``portfolio`` is vectorbt's own, where vectorbt made it; its cash includes the credit of the margin account.
    """

    strategy: Strategy
    candles: Candles
    capital: float
    engine: Engine
    order_lines: Sequence[OrderLine]
    executions: Sequence[Execution]
    curves: Curves
    rejections: Sequence[Rejection] = ()
    shown: Shown | None = field(default=None, compare=False)
    portfolio: "Portfolio | None" = field(default=None, compare=False)

    def __repr__(self) -> str:
        found = self.statistics
        return (
            f"<Backtest of {self.strategy!r} on {', '.join(self.candles.labels)} {self.candles.timeframe}: "
            f"return {found.total_return:.1%}, drawdown {found.max_drawdown:.1%}, {found.orders} orders>"
        )

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Every order: decision and execution time (UTC), instrument, side, quantity, price, fee, status."""
        return orders_frame(self.order_lines)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Closed trades; see :func:`~millstream.research.trades.closed_trades`."""
        return closed_trades(self.executions)

    @cached_property
    def indicators(self) -> Indicators:
        """What the strategy showed (``Strategy.show``): a table for each name; see ``Indicators``."""
        return {} if self.shown is None else self.shown.over(self.candles)

    @property
    def equity(self) -> pd.Series:
        """Equity at each close, in the account's currency; UTC open times."""
        return self.curves.equity

    @cached_property
    def drawdown(self) -> pd.Series:
        return drawdown_curve(self.curves.equity, self.capital)

    @cached_property
    def statistics(self) -> Statistics:
        return statistics(
            self.curves,
            self.capital,
            self.candles.timeframe,
            traded=float(sum(abs(one.quantity) * one.price for one in self.executions)),
            fees=float(sum(one.fee for one in self.executions)),
            orders=len(self.order_lines),
            trades=self.trades,
        )

    def plot(self, *, width: int = 900) -> Any:
        """Equity, drawdown, trades and indicators on the price, one below the other (HoloViews layout)."""
        from .plots import overview

        return overview(self, width=width)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: what ``millstream backtest --json`` prints and what promotion records."""
        return {
            "strategy": type(self.strategy).__name__,
            "parameters": {name: _plain(value) for name, value in self.strategy.parameters.items()},
            "instruments": list(self.candles.keys),
            "timeframe": self.candles.timeframe,
            "engine": self.engine,
            "capital": self.capital,
            "statistics": self.statistics.to_dict(),
            "orders": [order.to_dict() for order in self.order_lines],
            "rejections": [
                {
                    "decision_time": pd.Timestamp(one.decided_at, unit="ns", tz="UTC").isoformat(),
                    "instrument": one.instrument,
                }
                | {"code": one.code, "message": one.message}
                for one in self.rejections
            ],
        }

    def _repr_html_(self) -> str:
        from .report import backtest_html

        return backtest_html(self)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
