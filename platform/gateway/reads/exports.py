"""Trades as CSV, row by row."""

import csv
import io
from collections.abc import Iterable, Iterator

from ...contracts.api.trading import Trade

COLUMNS = (
    "trade",
    "target",
    "deployment",
    "portfolio",
    "instrument",
    "session",
    "side",
    "quantity",
    "entry_price",
    "exit_price",
    "opened_at",
    "closed_at",
    "pnl",
    "fees",
    "currency",
    "return",
    "reason",
    "indicators",
    "exit_indicators",
)
# A cell that begins so is a formula to a spreadsheet: names and tags are other people's texts.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TEXTS = frozenset({"deployment", "portfolio", "instrument", "session", "reason"})


def trades_csv(trades: Iterable[Trade]) -> Iterator[str]:
    """The header and a line for each trade (RFC 4180); times RFC 3339, indicators as ``name=value`` pairs."""
    yield _line(COLUMNS)
    for trade in trades:
        values = trade.model_dump(mode="json", by_alias=True)
        yield _line([_cell(name, values[name]) for name in COLUMNS])


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return " ".join(f"{key}={number!r}" for key, number in value.items())
    text = str(value)
    return f"'{text}" if name in _TEXTS and text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
