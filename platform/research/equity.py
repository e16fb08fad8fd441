"""Equity, cash and positions of an account, bar by bar, from its executions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .candles import Candles, Floats
from .orders import Execution

Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Curves:
    """One row a bar of the frame, valued at its close.

    ``equity`` and ``cash`` are in the account's currency, ``positions`` in base units (one column an instrument label),
    ``exposure`` is Σ |position value| ÷ equity.
    """

    equity: pd.Series
    cash: pd.Series
    positions: pd.DataFrame
    exposure: pd.Series


def curves(executions: Sequence[Execution], candles: Candles, capital: float) -> Curves:
    """The account's path: every execution counts from the bar it happened in."""
    rows, columns, quantities, flows = _cells(executions, candles)
    shape = candles.last_close.shape
    moved, paid = np.zeros(shape), np.zeros(shape[0])
    np.add.at(moved, (rows, columns), quantities)
    np.add.at(paid, rows, flows)
    return from_arrays(candles, capital + paid.cumsum(), moved.cumsum(axis=0))


def from_arrays(candles: Candles, cash: Floats, held: Floats) -> Curves:
    """Curves of cash (rows) and positions (rows × instruments)."""
    index = candles.frame.index
    positions = np.where(np.abs(held) < 1e-12, 0.0, held)
    values = positions * candles.last_close
    equity = cash + values.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        exposure = np.where(equity > 0, np.abs(values).sum(axis=1) / equity, 0.0)
    return Curves(
        pd.Series(equity, index, name="equity"),
        pd.Series(cash, index, name="cash"),
        pd.DataFrame(positions, index, columns=list(candles.labels)),
        pd.Series(exposure, index, name="exposure"),
    )


def _cells(executions: Sequence[Execution], candles: Candles) -> tuple[Indices, Indices, Floats, Floats]:
    """Row and column of each execution with its signed quantity and cash flow."""
    column = {key: number for number, key in enumerate(candles.keys)}
    columns = np.array([column[one.instrument] for one in executions], dtype="int64")
    rows = np.array([one.row for one in executions], dtype="int64")
    quantities = np.array([float(one.quantity) for one in executions])
    flows = np.array([-float(one.quantity * one.price) - float(one.fee) for one in executions])
    return rows, columns, quantities, flows
