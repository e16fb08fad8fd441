"""What ``Strategy.target`` returned, as an array of exposures: one row a bar, one column an instrument."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..contracts.errors import InputError

_HINT = (
    "Return a Series with the index of bars (one instrument) or a DataFrame with the columns of bars.close (several)."
)

Floats = np.ndarray[Any, np.dtype[np.float64]]


def target_values(result: object, frame: pd.DataFrame, labels: Sequence[str], name: str) -> Floats:
    """Targets of shape (rows of ``frame``, instruments), as the strategy gave them. Raises :class:`InputError`.

    ``name`` is the strategy's, for the message.
    """
    if isinstance(result, pd.DataFrame):
        result = _columns(result, labels, name)
    elif not isinstance(result, pd.Series):
        raise InputError(f"{name}.target returned a {type(result).__name__}", hint=_HINT)
    elif len(labels) > 1:
        raise InputError(f"{name}.target returned a Series for {len(labels)} instruments", hint=_HINT)
    if result.index is not frame.index and not result.index.equals(frame.index):
        raise InputError(
            f"{name}.target returned {len(result)} rows whose index is not that of bars ({len(frame)} rows)",
            hint="Keep every row: no dropna(), no resample() without reindex(bars.index). " + _HINT,
        )
    try:
        values = result.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}.target returned values that are not numbers: {error}", hint=_HINT) from error
    return values.reshape(len(frame), len(labels))


def _columns(result: pd.DataFrame, labels: Sequence[str], name: str) -> pd.DataFrame:
    if len(labels) == 1 and result.shape[1] == 1:
        return result
    missing = [label for label in labels if label not in result.columns]
    if missing or result.shape[1] != len(labels):
        raise InputError(
            f"{name}.target returned the columns {list(map(str, result.columns))}, not {list(labels)}", hint=_HINT
        )
    return result.loc[:, list(labels)]
