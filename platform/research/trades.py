"""Closed trades at average cost, from executions."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from .orders import Execution

_COLUMNS = (
    "instrument",
    "side",
    "entry_time",
    "exit_time",
    "quantity",
    "entry_price",
    "exit_price",
    "fees",
    "pnl",
    "return",
)


@dataclass(slots=True)
class _Open:
    since: int = 0
    quantity: float = 0.0
    price: float = 0.0
    fees: float = 0.0


def closed_trades(executions: Iterable[Execution]) -> pd.DataFrame:
    """One row for every execution that reduces a position: what was closed, at the position's average entry price.

    ``pnl`` is after the exit's fee and the entry's share of fees, in the instrument's currency; ``return`` is ``pnl`` ÷
    entry notional. Times are UTC.
    """
    positions: dict[str, _Open] = {}
    rows = []
    for one in executions:
        position = positions.setdefault(one.instrument, _Open())
        closed = _closed(position.quantity, float(one.quantity))
        if closed:
            rows.append(_row(one, position, closed))
        _book(position, one, closed)
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    for column in ("entry_time", "exit_time"):
        table[column] = pd.to_datetime(table[column], utc=True)
    return table


def _closed(held: float, traded: float) -> float:
    """Quantity (positive) by which a trade reduces what is held."""
    return min(abs(held), abs(traded)) if held * traded < 0 else 0.0


def _row(one: Execution, position: _Open, closed: float) -> tuple[object, ...]:
    side = 1.0 if position.quantity > 0 else -1.0
    fees = float(one.fee) * closed / abs(float(one.quantity)) + position.fees * closed / abs(position.quantity)
    pnl = side * closed * (float(one.price) - position.price) - fees
    notional = closed * position.price
    name = "long" if side > 0 else "short"
    prices = (position.price, float(one.price), fees, pnl, pnl / notional if notional else 0.0)
    return (one.instrument, name, position.since, one.ts, closed, *prices)


def _book(position: _Open, one: Execution, closed: float) -> None:
    traded, price, fee = float(one.quantity), float(one.price), float(one.fee)
    held, after = position.quantity, position.quantity + traded
    if closed:
        position.fees *= 1 - closed / abs(held)
    opening = abs(traded) - closed
    if abs(after) < 1e-12:
        after, position.fees = 0.0, 0.0
    elif opening > 0:
        kept = abs(held) - closed
        position.since = one.ts if kept <= 0 else position.since
        position.price = (kept * position.price + opening * price) / (kept + opening)
        position.fees += fee * opening / abs(traded)
    position.quantity = after
