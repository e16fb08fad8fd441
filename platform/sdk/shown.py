"""What a strategy shows of its thinking: values by name, at the newest bar of each instrument. Decides nothing."""

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ..contracts.errors import InputError

NAMES_LIMIT = 32
Values = Mapping[str, dict[str, float]]
"""Indicator values by instrument key, then by name; finite numbers only."""
Curve = np.ndarray[Any, np.dtype[np.float64]]


def check(values: Mapping[str, Any]) -> None:
    """Whether ``values`` are things that can be shown. Raises :class:`InputError`, in a backtest as in a runner."""
    if len(values) > NAMES_LIMIT:
        raise InputError(f"show() was given {len(values)} values", hint=f"Show at most {NAMES_LIMIT} at a time.")
    for name, value in values.items():
        if value is not None and not isinstance(value, pd.Series | pd.DataFrame | Real | Decimal):
            raise InputError(
                f"show({name}=…) was given a {type(value).__name__}",
                hint="Give a number, a Series with the index of bars, or a DataFrame with a column an instrument.",
            )


class Showcase:
    """Collects what a strategy shows during one decision.

    ``about`` is the instrument that is being told about (``on_bar``), empty when all are. What is given is only
    remembered; numbers are taken out of it by :meth:`values`, so a host whose values nobody asks for pays nothing.
    """

    __slots__ = ("_noted", "about")

    def __init__(self) -> None:
        self.about = ""
        self._noted: dict[str, dict[str, Any]] = {}

    def note(self, values: Mapping[str, Any]) -> None:
        """Remember ``values``; the last one of a name counts."""
        self._noted.setdefault(self.about, {}).update(values)

    def clear(self) -> None:
        """Begin another decision."""
        self.about = ""
        self._noted = {}

    def values(self, rows: Mapping[str, tuple[str, pd.Timestamp]]) -> Values:
        """The values of each instrument of ``rows``: its column label and the open time of its newest bar.

        What is not a finite number there (an average before its first full window) is left out.
        """
        found = {key: self._of(key, label, moment) for key, (label, moment) in rows.items()} if self._noted else {}
        return {key: values for key, values in found.items() if values}

    def curves(self, label: str, index: pd.DatetimeIndex) -> dict[str, Curve]:
        """The values of the instrument in column ``label`` at each bar of ``index``, NaN where there is none.

        Of one decision over the whole frame that :meth:`values` would take the newest row of. A number belongs to the
        newest bar.
        """
        noted = self._noted.get("", {})
        return {name: _curve(value, label, index) for name, value in noted.items()}

    def _of(self, key: str, label: str, moment: pd.Timestamp) -> dict[str, float]:
        noted = {**self._noted.get("", {}), **self._noted.get(key, {})}
        numbers = {name: _number(value, label, moment) for name, value in noted.items()}
        return {name: number for name, number in numbers.items() if number is not None}


def _number(value: Any, label: str, moment: pd.Timestamp) -> float | None:
    if isinstance(value, pd.DataFrame):
        value = _column(value, label)
    if isinstance(value, pd.Series):
        value = value.get(moment)
    if value is None or value is pd.NA or not isinstance(value, Real | Decimal):
        return None
    number = float(value)
    return number if isfinite(number) else None


def _curve(value: Any, label: str, index: pd.DatetimeIndex) -> Curve:
    curve = np.full(len(index), np.nan)
    if isinstance(value, pd.DataFrame):
        value = _column(value, label)
    if isinstance(value, pd.Series):
        if value.index.is_unique and not pd.api.types.is_bool_dtype(value):
            curve = pd.to_numeric(value.reindex(index), errors="coerce").to_numpy("float64", na_value=np.nan)
    elif len(index) and (number := _number(value, label, index[-1])) is not None:
        curve[-1] = number
    return np.where(np.isfinite(curve), curve, np.nan)


def _column(frame: pd.DataFrame, label: str) -> pd.Series | None:
    if label in frame.columns:
        column = frame[label]
        return column if isinstance(column, pd.Series) else None
    return frame.iloc[:, 0] if frame.shape[1] == 1 else None
