"""Order by order: what a backtest did beside what paper did, and why they first parted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from ..contracts.money import BPS, ONE, ZERO
from ..contracts.time import iso
from .orders import OrderLine

TOLERANCE_BPS = ONE
_CAUSES: dict[str, str] = {
    "missing on paper": "the intent was rejected, its runner was down, or it decided on other bars",
    "missing in the backtest": "the strategy looks ahead, or keeps state outside its bars",
    "side": "the strategy saw other bars, or a row of its target depends on later bars",
    "quantity": "equity or price at the decision differed: compare the fills, fees and cash before it",
    "type": "the order is of another type: parameters or protective levels differ",
    "execution time": "the order waited: the instrument had no bar at its next slice on one side, or data differ",
    "price": "the fill price differs: other candles, other slippage, or a fill at another moment",
    "fee": "the fee differs: other fee rate or fill price",
}
_UNFILLED = "the order was filled on one side only: the replay ended earlier, or the order was cancelled"
FLOAT_ERROR = Decimal(2) ** -52


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first order that is not the same: its bar (close time, UTC ns), both sides and the likely cause."""

    number: int
    decided_at: int
    instrument: str
    what: str
    backtest: OrderLine | None
    paper: OrderLine | None
    cause: str

    def __str__(self) -> str:
        return (
            f"Order {self.number + 1}, bar closing {iso(self.decided_at)}, {self.instrument}: {self.what}.\n"
            f"  backtest: {_words(self.backtest)}\n  paper:    {_words(self.paper)}\n  Likely cause: {self.cause}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityReport:
    """``matched`` orders agree from the first on; ``first`` is the first difference.

    Profit is in currency; ``pnl_bps`` is the distance of the two in basis points of the capital.
    """

    backtest_orders: int
    paper_orders: int
    matched: int
    first: Difference | None
    backtest_pnl: Decimal
    paper_pnl: Decimal
    pnl_bps: Decimal

    @property
    def equal(self) -> bool:
        """Same orders, and profit within one basis point of the capital."""
        return self.first is None and self.pnl_bps <= TOLERANCE_BPS

    def __str__(self) -> str:
        if self.equal:
            return f"{self.matched} orders agree; profit {self.backtest_pnl:,.2f} and {self.paper_pnl:,.2f}."
        if self.first is None:
            return (
                f"All {self.matched} orders agree, but profit is {self.backtest_pnl:,.2f} in the backtest and "
                f"{self.paper_pnl:,.2f} on paper: {self.pnl_bps:.2f} bps of the capital apart."
            )
        return f"{self.matched} orders agree, then:\n{self.first}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        first = self.first
        return {
            "equal": self.equal,
            "backtest_orders": self.backtest_orders,
            "paper_orders": self.paper_orders,
            "matched": self.matched,
            "backtest_pnl": float(self.backtest_pnl),
            "paper_pnl": float(self.paper_pnl),
            "pnl_bps": float(self.pnl_bps),
            "first_difference": None
            if first is None
            else {
                "order": first.number + 1,
                "bar": iso(first.decided_at),
                "instrument": first.instrument,
                "what": first.what,
                "cause": first.cause,
                "backtest": None if first.backtest is None else first.backtest.to_dict(),
                "paper": None if first.paper is None else first.paper.to_dict(),
            },
        }


def compare_orders(
    backtest: Iterable[OrderLine],
    paper: Iterable[OrderLine],
    *,
    lot: Decimal | Mapping[str, Decimal],
    capital: Decimal,
    backtest_pnl: Decimal = ZERO,
    paper_pnl: Decimal = ZERO,
    causes: Mapping[tuple[int, str], str] | None = None,
) -> ParityReport:
    """Compare two runs in the order of decision time, instrument and leg.

    Orders are equal with the same bar, instrument, side and type, a quantity within one ``lot`` (one for all, or by
    instrument) and an execution at the same time; prices and fees may differ by what a lot is worth and by one basis
    point. ``causes`` adds what is known, such as rejections, by (decision time, instrument). Neither side is changed.
    """
    left, right = _sorted(backtest), _sorted(paper)
    matched, first = 0, None
    for number, (one, other) in enumerate(zip_longest(left, right)):
        what = _difference(one, other, lot)
        if what:
            first = _explain(number, one, other, what, causes or {})
            break
        matched += 1
    distance = abs(backtest_pnl - paper_pnl) / abs(capital) * BPS if capital else ZERO
    return ParityReport(
        backtest_orders=len(left),
        paper_orders=len(right),
        matched=matched,
        first=first,
        backtest_pnl=backtest_pnl,
        paper_pnl=paper_pnl,
        pnl_bps=distance,
    )


def _sorted(orders: Iterable[OrderLine]) -> list[OrderLine]:
    """By place; several orders of one bar (a stop and a limit) are paired whatever the order they were sent in."""
    return sorted(orders, key=lambda order: (*_place(order), order.side, order.order_type, order.quantity))


def _place(order: OrderLine) -> tuple[int, str, str]:
    return order.decided_at, order.instrument, order.leg


def _difference(one: OrderLine | None, other: OrderLine | None, lot: Decimal | Mapping[str, Decimal]) -> str:
    """What differs, or nothing."""
    if one is None or (other is not None and _place(other) < _place(one)):
        return "missing in the backtest"
    if other is None or _place(one) < _place(other):
        return "missing on paper"
    step = lot if isinstance(lot, Decimal) else lot.get(one.instrument, ZERO)
    if one.side is not other.side:
        return "side"
    if one.order_type is not other.order_type:
        return "type"
    # A report of a backtest has floats: of a quantity of 10¹² they do not hold a lot of 10⁻⁶.
    if abs(one.quantity - other.quantity) > max(step, abs(one.quantity) * FLOAT_ERROR):
        return "quantity"
    return _execution_difference(one, other, step)


def _execution_difference(one: OrderLine, other: OrderLine, step: Decimal) -> str:
    if one.executed_at != other.executed_at:
        return "execution time"
    if one.price is None or other.price is None:
        return ""
    if abs(one.price - other.price) > abs(one.price) / BPS:
        return "price"
    fees, scale = (one.fee or ZERO, other.fee or ZERO), max(abs(one.fee or ZERO), abs(other.fee or ZERO))
    tolerance = scale * (step / one.quantity + ONE / BPS)
    return "fee" if abs(fees[0] - fees[1]) > tolerance else ""


def _explain(
    number: int, one: OrderLine | None, other: OrderLine | None, what: str, causes: Mapping[tuple[int, str], str]
) -> Difference:
    shown = [order for order in (one, other) if order is not None]
    at = min(shown, key=_place)
    sides = (one, other)
    if what == "missing on paper":
        sides = (one, None)
    elif what == "missing in the backtest":
        sides = (None, other)
    unfilled = what == "execution time" and None in {order.executed_at for order in shown}
    known = causes.get((at.decided_at, at.instrument))
    return Difference(
        number=number,
        decided_at=at.decided_at,
        instrument=at.instrument,
        what=what if what.startswith("missing") else f"{what} differs",
        backtest=sides[0],
        paper=sides[1],
        cause=known or (_UNFILLED if unfilled else _CAUSES[what]),
    )


def _words(order: OrderLine | None) -> str:
    if order is None:
        return "no order"
    done = (
        "not executed"
        if order.executed_at is None
        else f"at {iso(order.executed_at)} for {order.price:f}, fee {order.fee:f}"
    )
    leg = f" ({order.leg})" if order.leg else ""
    return f"{order.side.value} {order.quantity:f} {order.order_type.value}{leg}, {done}"


def rejection_causes(rejections: Sequence[tuple[int, str, str, str]]) -> dict[tuple[int, str], str]:
    """Causes for :func:`compare_orders` from (decision time, instrument, code, message) of rejected intents."""
    return {
        (decided_at, instrument): f"risk rejected the intent: {code}, {message}"
        for decided_at, instrument, code, message in rejections
    }
