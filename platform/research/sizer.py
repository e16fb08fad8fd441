"""From exposures to orders: the rules of ``StrategyHost`` over a whole frame, exact (``Decimal``) where it decides."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from ..contracts.enums import Side
from ..contracts.money import ZERO, decimal
from ..sdk.sizing import exposure_of, order_quantity
from ..sdk.strategy import Strategy
from ..sdk.targets import target_values
from .candles import Candles, Floats
from .costs import Costs
from .orders import Execution, OrderLine

Rows = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(slots=True)
class _Account:
    cash: Decimal
    positions: list[Decimal]
    lowest_cash: Decimal


@dataclass(frozen=True, slots=True)
class SizedRun:
    """Orders in the order of their decisions; ``lowest_cash`` is the least cash the account held (< 0: margin)."""

    orders: list[OrderLine]
    executions: list[Execution]
    rows: list[int]
    lowest_cash: Decimal


def exposures(strategy: Strategy, candles: Candles) -> Floats:
    """``target`` over the whole frame, as the platform reads it. Raises :class:`InputError`."""
    frame = candles.frame
    values = target_values(strategy.target(frame), frame, candles.labels, type(strategy).__name__)
    levels, position = np.unique(values, return_inverse=True)
    read = np.array([exposure_of(float(level)) for level in levels])
    return np.asarray(read[position].reshape(values.shape))


def decisions(targets: Floats, has_bar: np.ndarray[Any, Any], *, always: bool) -> list[tuple[int, int]]:
    """(row, column) of every rebalancing, oldest first: own bars whose target differs from the own bar before."""
    found: list[tuple[int, int]] = []
    for column in range(targets.shape[1]):
        own = np.flatnonzero(has_bar[:, column])
        values = targets[own, column]
        changed = own if always else own[values != np.concatenate([[0.0], values[:-1]])[: len(values)]]
        found.extend((int(row), column) for row in changed)
    return sorted(found)


class _Sizer:
    """Walks over the rebalancing rows; between them nothing is computed."""

    def __init__(self, candles: Candles, costs: Costs, capital: Decimal) -> None:
        self._candles = candles
        self._costs = costs
        self._open = candles.field("open")
        self._next = _next_own_rows(candles.has_bar)
        self._pending: dict[int, tuple[int, int, Decimal]] = {}
        self._account = _Account(capital, [ZERO] * len(candles.instruments), capital)
        self.run = SizedRun([], [], [], capital)

    def settle(self, row: int) -> None:
        """Execute what opened at ``row`` or before."""
        due = sorted((at, column) for column, (at, _, _) in self._pending.items() if at <= row)
        for at, column in due:
            _, number, quantity = self._pending.pop(column)
            self._execute(at, column, number, quantity)

    def decide(self, row: int, column: int, exposure: float, equity: Decimal) -> None:
        instrument = self._candles.instruments[column]
        quantity = order_quantity(
            exposure,
            equity=equity,
            close=decimal(float(self._candles.last_close[row, column])),
            held=self._account.positions[column],
            instrument=instrument,
        )
        if not quantity:
            return
        self.run.orders.append(
            OrderLine(
                decided_at=int(self._candles.open_times[row]) + self._candles.length,
                instrument=instrument.key,
                side=Side.BUY if quantity > 0 else Side.SELL,
                quantity=abs(quantity),
                status="open",
            )
        )
        self.run.rows.append(-1)
        following = int(self._next[row, column])
        if following >= 0:
            self._pending[column] = (following, len(self.run.orders) - 1, quantity)

    def equity(self, row: int) -> Decimal:
        closes = self._candles.last_close[row]
        held = ((quantity, closes[column]) for column, quantity in enumerate(self._account.positions) if quantity)
        return self._account.cash + sum((quantity * decimal(float(close)) for quantity, close in held), ZERO)

    @property
    def lowest_cash(self) -> Decimal:
        return self._account.lowest_cash

    def _execute(self, row: int, column: int, number: int, quantity: Decimal) -> None:
        order, account = self.run.orders[number], self._account
        price = self._costs.price(decimal(float(self._open[row, column])), order.side)
        fee = order.quantity * price * self._costs.fee_rate(self._candles.instruments[column])
        account.cash -= quantity * price + fee
        account.positions[column] += quantity
        account.lowest_cash = min(account.lowest_cash, account.cash)
        ts = int(self._candles.open_times[row])
        filled = replace(order, executed_at=ts, filled=order.quantity, price=price, fee=fee, status="filled")
        self.run.orders[number] = filled
        self.run.rows[number] = row
        self.run.executions.append(
            Execution(ts=ts, instrument=order.instrument, quantity=quantity, price=price, fee=fee, row=row)
        )


def size_orders(targets: Floats, candles: Candles, costs: Costs, capital: Decimal, *, always: bool = False) -> SizedRun:
    """The orders that ``targets`` (rows × instruments) lead to, each executed at its instrument's next open.

    ``rows`` holds the frame row of each order's execution, -1 where the data end before it.
    """
    sizer = _Sizer(candles, costs, capital)
    equity, equity_row = capital, -1
    for row, column in decisions(targets, candles.has_bar, always=always):
        if row != equity_row:
            sizer.settle(row)
            equity, equity_row = sizer.equity(row), row
        sizer.decide(row, column, float(targets[row, column]), equity)
    sizer.settle(len(candles.frame))
    return replace(sizer.run, lowest_cash=sizer.lowest_cash)


def _next_own_rows(has_bar: np.ndarray[Any, Any]) -> Rows:
    """For each cell the next row in which the instrument has a bar, -1 where there is none."""
    following = np.full(has_bar.shape, -1, dtype="int64")
    for column in range(has_bar.shape[1]):
        own = np.flatnonzero(has_bar[:, column])
        following[own[:-1], column] = own[1:]
    return following
