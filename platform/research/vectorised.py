"""Vectorised backtests on vectorbt: signed order sizes at the rows that execute them."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..ops.lean_imports import without_iri_grammar
from ..sdk.shown import Showcase
from ..sdk.strategy import Strategy
from .candles import Candles
from .costs import Costs
from .equity import Curves, from_arrays
from .indicators import OverFrame
from .orders import Execution, OrderLine
from .sizer import SizedRun, exposures, size_orders

if TYPE_CHECKING:
    from vectorbt.portfolio.base import Portfolio


def run_vectorised(
    strategy: Strategy, candles: Candles, costs: Costs, capital: Decimal
) -> tuple[list[OrderLine], list[Execution], Curves, "Portfolio", OverFrame]:
    """Orders, executions, curves and the vectorbt portfolio of a vectorised strategy, and what it showed."""
    always = strategy.rebalance == "always"
    showcase = Showcase()
    strategy.watch(showcase)
    try:
        targets = exposures(strategy, candles)[candles.first :]
    finally:
        strategy.watch(None)
    candles = candles.traded
    run = size_orders(targets, candles, costs, capital, always=always)
    credit = _credit(run, capital)
    portfolio = vectorbt_portfolio(run, candles, costs, float(capital) + credit)
    cash = portfolio.cash().to_numpy() - credit
    held = portfolio.assets().to_numpy().reshape(candles.last_close.shape)
    return run.orders, run.executions, from_arrays(candles, cash, held), portfolio, OverFrame(showcase)


def vectorbt_portfolio(run: SizedRun, candles: Candles, costs: Costs, cash: float) -> "Portfolio":
    """``vectorbt.Portfolio.from_orders`` of the executed orders, all instruments in one account of ``cash``."""
    without_iri_grammar()
    import vectorbt

    shape = candles.last_close.shape
    size, price = np.full(shape, np.nan), np.where(candles.has_bar, candles.field("open"), candles.last_close)
    column = {key: number for number, key in enumerate(candles.keys)}
    for order, row in zip(run.orders, run.rows, strict=True):
        if order.price is not None:
            cell = row, column[order.instrument]
            size[cell] = order.side.sign * float(order.quantity)
            price[cell] = float(order.price)
    fees = [float(costs.fee_rate(instrument)) for instrument in candles.instruments]
    return vectorbt.Portfolio.from_orders(
        close=_table(candles, candles.last_close),
        size=_table(candles, size),
        price=_table(candles, price),
        fees=np.array([fees]),
        size_type="amount",
        direction="both",
        init_cash=cash,
        cash_sharing=True,
        group_by=True,
        freq=pd.Timedelta(candles.length, unit="ns"),
    )


def _credit(run: SizedRun, capital: Decimal) -> float:
    """Cash lent to the vectorbt account so that it never cuts an order.

    Twice what the margin account lacked, and never nothing: vectorbt refuses every purchase at a cash of exactly 0.
    """
    return float(max(Decimal(0), -run.lowest_cash) * 2 + abs(capital))


def _table(candles: Candles, values: np.ndarray[Any, Any]) -> pd.DataFrame:
    return pd.DataFrame(values, index=candles.frame.index, columns=list(candles.labels))
