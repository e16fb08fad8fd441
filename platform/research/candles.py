"""The candles of one run: instruments, labels and one frame, with the columns the engines need."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..contracts.errors import InputError
from ..contracts.instrument import Instrument
from ..contracts.time import timeframe_ns
from ..sdk.symbols import labels

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Candles:
    """``frame`` is shaped as for ``Strategy.target`` (UTC open times); ``instruments`` are its columns in order.

    Rows before ``first`` are warm-up: a strategy sees them, but nothing is decided on them.
    """

    instruments: tuple[Instrument, ...]
    timeframe: str
    frame: pd.DataFrame
    first: int = 0

    def __post_init__(self) -> None:
        if self.first >= len(self.frame):
            keys = ", ".join(instrument.key for instrument in self.instruments)
            raise InputError(
                f"There are no {self.timeframe} candles of {keys} in that time",
                hint="`millstream data list` shows what is stored; check start, end and timeframe.",
            )

    @property
    def traded(self) -> "Candles":
        """The same without the warm-up."""
        return self if not self.first else Candles(self.instruments, self.timeframe, self.frame.iloc[self.first :])

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(instrument.key for instrument in self.instruments)

    @property
    def labels(self) -> tuple[str, ...]:
        """Column labels, in the order of the instruments."""
        return labels(self.keys)

    @property
    def length(self) -> int:
        """Length of a bar in ns."""
        return timeframe_ns(self.timeframe)

    @cached_property
    def open_times(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """UTC ns, one a row."""
        index = pd.DatetimeIndex(self.frame.index)
        return np.asarray(index.as_unit("ns").asi8)

    def field(self, name: str) -> Floats:
        """One field of shape (rows, instruments), NaN where an instrument has no bar."""
        values = self.frame[name].to_numpy(dtype="float64")
        return values.reshape(len(self.frame), len(self.instruments))

    @cached_property
    def has_bar(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return ~np.isnan(self.field("close"))

    @cached_property
    def last_close(self) -> Floats:
        """Last close at or before each row; before an instrument's first bar, its first close (nothing is held)."""
        return pd.DataFrame(self.field("close")).ffill().bfill().to_numpy()

    def of(self, label: str) -> pd.DataFrame:
        """The bars of one instrument alone: columns open, high, low, close, volume."""
        if len(self.instruments) == 1:
            return self.frame
        table = pd.DataFrame(self.frame.xs(label, axis=1, level="symbol"))
        return table.dropna(how="all")
