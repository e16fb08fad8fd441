"""Parameter sweeps: one backtest for each combination, as a tidy table."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from ..contracts.errors import InputError
from ..sdk.strategy import Strategy
from .backtest import backtest_candles, default_costs
from .candles import Candles
from .costs import Costs
from .data import candles

_SHOWN = ("total_return", "cagr", "sharpe", "max_drawdown", "orders", "fees")


@dataclass(frozen=True, repr=False)
class SweepResult:
    """``table``: one row a combination, first the swept parameters, then the statistics of its backtest.

    ``skipped`` names combinations that the strategy's own ``validate`` refuses.
    """

    strategy: Strategy
    parameters: tuple[str, ...]
    table: pd.DataFrame
    skipped: tuple[dict[str, Any], ...] = ()

    def __repr__(self) -> str:
        return (
            f"<Sweep of {type(self.strategy).__name__} over {', '.join(self.parameters)}: {len(self.table)} backtests>"
        )

    def best(self, by: str = "sharpe", count: int = 5) -> pd.DataFrame:
        """The ``count`` rows with the highest ``by``: swept parameters and the main statistics."""
        self._require(by)
        columns = dict.fromkeys([*self.parameters, by, *_SHOWN])
        return self.table.sort_values(by, ascending=False, na_position="last").loc[:, list(columns)].head(count)

    def plot(self, value: str = "sharpe", x: str | None = None, y: str | None = None, *, width: int = 620) -> Any:
        """``value`` over two parameters as a heat map (the first two by default), over one as a line."""
        from .plots import heatmap, sweep_line

        self._require(value)
        across = x or self.parameters[0]
        up = y or next((name for name in self.parameters if name != across), None)
        if up is None:
            return sweep_line(self.table, across, value, width=width)
        return heatmap(self.table, across, up, value, width=width)

    def _require(self, column: str) -> None:
        if column not in self.table.columns:
            raise InputError(
                f"A sweep has no column {column!r}", hint=f"It has {', '.join(map(str, self.table.columns))}."
            )

    def _repr_html_(self) -> str:
        from .report import card, table

        return card(f"Sweep of {type(self.strategy).__name__}", f"{len(self.table)} backtests", [table(self.best())])


def sweep(  # noqa: PLR0913 - the arguments of backtest, and the grid
    strategy: Strategy,
    symbol: str | Sequence[str],
    timeframe: str,
    grid: Mapping[str, Iterable[Any]],
    *,
    start: str | datetime | None = None,
    end: str | datetime | None = None,
    capital: float = 100_000,
    fees: float | None = None,
    slippage: float | None = None,
    processes: int = 1,
) -> SweepResult:
    """Backtest ``strategy`` with every combination of ``grid`` (parameter name → values) on the same candles.

    ``processes`` > 1 shares the work between forked processes (POSIX). Combinations that do not fit together are left
    out and named in ``skipped``. Other arguments as for ``backtest``. Raises :class:`InputError`.
    """
    variants, skipped = _variants(strategy, grid)
    data, costs = candles(symbol, timeframe, start, end, warmup=True), default_costs(fees, slippage)
    rows = _run([variant for _, variant in variants], data, costs, capital, processes)
    table = pd.DataFrame([{**values, **row} for (values, _), row in zip(variants, rows, strict=True)])
    return SweepResult(strategy, tuple(grid), table, tuple(skipped))


def _variants(
    strategy: Strategy, grid: Mapping[str, Iterable[Any]]
) -> tuple[list[tuple[dict[str, Any], Strategy]], list[dict[str, Any]]]:
    values = {name: list(found) for name, found in grid.items()}
    if not values or not all(values.values()):
        raise InputError("The grid of the sweep is empty", hint='Write for example {"fast": range(5, 30, 5)}.')
    _check_names(strategy, values)
    variants, skipped = [], []
    for combination in itertools.product(*values.values()):
        chosen = dict(zip(values, combination, strict=True))
        try:
            variants.append((chosen, strategy.replace(**chosen)))
        except InputError:
            skipped.append(chosen)
    if not variants:
        strategy.replace(**skipped[0])
    return variants, skipped


def _check_names(strategy: Strategy, values: Mapping[str, list[Any]]) -> None:
    """Unknown names and wrong types are errors of the grid; only combinations may be skipped."""
    unknown = {name: found[0] for name, found in values.items() if name not in strategy.parameters}
    if unknown:
        strategy.replace(**unknown)


def _run(
    variants: Sequence[Strategy], data: Candles, costs: Costs, capital: float, processes: int
) -> list[dict[str, Any]]:
    if processes <= 1 or len(variants) < 2:
        return [_statistics(variant, data, costs, capital) for variant in variants]
    return _forked(variants, data, costs, capital, processes)


def _statistics(strategy: Strategy, data: Candles, costs: Costs, capital: float) -> dict[str, Any]:
    return backtest_candles(strategy, data, costs=costs, capital=capital).statistics.to_dict()


def _forked(
    variants: Sequence[Strategy], data: Candles, costs: Costs, capital: float, processes: int
) -> list[dict[str, Any]]:
    """Backtests in forked children, which inherit strategies and candles and are told numbers only.

    A strategy class that lives in a notebook cannot be pickled.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    jobs = (variants, data, costs, capital)
    with ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=_inherit, initargs=jobs) as pool:
        return list(pool.map(_job, range(len(variants)), chunksize=4))


_inherited: list[Any] = []


def _inherit(*jobs: Any) -> None:
    _inherited[:] = jobs


def _job(number: int) -> dict[str, Any]:
    variants, data, costs, capital = _inherited
    return _statistics(variants[number], data, costs, capital)
