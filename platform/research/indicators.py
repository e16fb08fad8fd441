"""What a strategy showed over a backtest (``Strategy.show``), as tables: what a runner would have stored bar by bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from ..sdk.shown import Showcase, Values
from .candles import Candles, Floats

Indicators = dict[str, pd.DataFrame]
"""By name: a row for each bar (UTC open times), a column for each instrument, NaN where nothing was shown."""


class Shown(Protocol):
    """What was shown; tables are made of it when somebody asks."""

    def over(self, candles: Candles) -> Indicators:
        """Over the ``candles`` that were traded."""
        ...


@dataclass(frozen=True, slots=True)
class OverFrame:
    """Of a vectorised strategy that was asked once, for the whole frame."""

    showcase: Showcase

    def over(self, candles: Candles) -> Indicators:
        index = pd.DatetimeIndex(candles.frame.index)
        curves = {label: self.showcase.curves(label, index) for label in candles.labels}
        found: dict[str, Floats] = {}
        for column, label in enumerate(candles.labels):
            for name, curve in curves[label].items():
                table = found.setdefault(name, np.full(candles.has_bar.shape, np.nan))
                table[:, column] = np.where(candles.has_bar[:, column], curve, np.nan)
        return _tables(found, candles)


@dataclass(frozen=True, slots=True)
class BySlice:
    """Of a replay: values of each instrument at each slice, in the order of the rows."""

    slices: list[Values] = field(default_factory=list)

    def over(self, candles: Candles) -> Indicators:
        columns = {key: column for column, key in enumerate(candles.keys)}
        found: dict[str, Floats] = {}
        for row, values in enumerate(self.slices):
            for key, numbers in values.items():
                for name, number in numbers.items():
                    table = found.setdefault(name, np.full(candles.has_bar.shape, np.nan))
                    table[row, columns[key]] = number
        return _tables(found, candles)


def on_price_scale(values: Mapping[str, "pd.Series[float]"], close: "pd.Series[float]") -> tuple[list[str], list[str]]:
    """Names of ``values`` that can be drawn on the prices, and those whose range has nothing to do with them."""
    low, high = float(close.min()), float(close.max())
    margin = (high - low) or abs(high)
    near: list[str] = []
    far: list[str] = []
    for name, series in values.items():
        inside = series.min() >= low - margin and series.max() <= high + margin
        (near if inside else far).append(name)
    return near, far


def _tables(found: Mapping[str, Floats], candles: Candles) -> Indicators:
    labels: Sequence[str] = candles.labels
    tables = {name: pd.DataFrame(values, candles.frame.index, list(labels)) for name, values in found.items()}
    return {name: table for name, table in tables.items() if table.notna().to_numpy().any()}
