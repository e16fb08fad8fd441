"""Orders of a run, in the one form that backtest, replay and paper are compared in."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from ..contracts.enums import OrderType, Side
from ..contracts.time import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One order and what became of it.

    ``decided_at`` is the close time of the bar it was decided on, ``executed_at`` the market time of its (last) fill;
    both UTC ns. ``quantity`` is what was asked for, ``filled`` what was executed, in base units; ``price`` the average
    execution price and ``fee`` the sum of fees, ``None`` while nothing was filled. ``leg`` names a protective order
    (``stop_loss``, ``take_profit``), empty for the strategy's own.
    """

    decided_at: int
    instrument: str
    side: Side
    quantity: Decimal
    executed_at: int | None = None
    filled: Decimal = Decimal(0)
    price: Decimal | None = None
    fee: Decimal | None = None
    order_type: OrderType = OrderType.MARKET
    leg: str = ""
    status: str = "filled"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: ISO times (UTC), numbers."""
        return {
            "decision_time": iso(self.decided_at),
            "execution_time": None if self.executed_at is None else iso(self.executed_at),
            "instrument": self.instrument,
            "side": self.side.value,
            "quantity": float(self.quantity),
            "price": None if self.price is None else float(self.price),
            "fee": None if self.fee is None else float(self.fee),
            "order_type": self.order_type.value,
            "leg": self.leg,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill: signed ``quantity`` (base units) at ``price``, at market time ``ts`` (UTC ns), in frame row ``row``."""

    ts: int
    instrument: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    row: int


ORDER_COLUMNS = (
    "decision_time",
    "execution_time",
    "instrument",
    "side",
    "quantity",
    "price",
    "fee",
    "order_type",
    "leg",
    "status",
)


def orders_frame(orders: Iterable[OrderLine]) -> pd.DataFrame:
    """Orders as a table: UTC times, floats."""
    table = pd.DataFrame([order.to_dict() for order in orders], columns=list(ORDER_COLUMNS))
    for column in ("decision_time", "execution_time"):
        table[column] = pd.to_datetime(table[column], utc=True, format="ISO8601")
    return table.astype({"quantity": "float64", "price": "float64", "fee": "float64"})
