"""``Context``: what an event-driven strategy trades through."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypedDict, Unpack, cast

import pandas as pd

from ..contracts.enums import Side, TimeInForce
from ..contracts.errors import InputError
from ..contracts.instrument import Instrument
from ..contracts.money import decimal, floor_to_step, round_to_tick
from .desk import Desk, protection_of
from .matching import near
from .orders import WorkingOrder
from .sizing import exposure_of, target_quantity
from .views import moment

Number = float | Decimal


class OrderOptions(TypedDict, total=False):
    """How an order differs from a plain market order; prices in the instrument's currency, protection as fractions."""

    limit: Number | None
    stop: Number | None
    time_in_force: str
    reduce_only: bool
    tag: str
    stop_loss: float | None
    take_profit: float | None


class Context:
    """Orders, position and bars of the strategy at the event it is being told.

    ``symbol`` is a column label (``"AAPL"``) or an instrument key; leave it out where there is one instrument only.
    Prices are cut to the instrument's tick, quantities to its lot, towards zero.
    """

    def __init__(self, desk: Desk, labels: Sequence[str], frame: Callable[[], pd.DataFrame]) -> None:
        self._desk = desk
        self._labels = dict(zip(labels, desk.instruments, strict=True))
        self._frame = frame

    @property
    def symbols(self) -> tuple[str, ...]:
        """Column labels of the instruments."""
        return tuple(self._labels)

    @property
    def now(self) -> pd.Timestamp:
        """Market time of the event (UTC); for a bar, its close time."""
        return moment(self._desk.now)

    @property
    def bars(self) -> pd.DataFrame:
        """All bars up to now, shaped as for ``Strategy.target``; read-only."""
        return self._frame()

    def history(self, count: int, symbol: str | None = None) -> pd.DataFrame:
        """The last ``count`` bars of one instrument: columns open, high, low, close, volume, UTC open times."""
        frame = self._frame()
        if len(self._labels) > 1:
            frame = cast("pd.DataFrame", frame.xs(self._label(symbol), axis=1, level="symbol")).dropna(how="all")
        return frame.iloc[-count:] if count > 0 else frame.iloc[:0]

    @property
    def equity(self) -> float:
        """Cash plus positions at their last closes, in the portfolio's currency."""
        return float(self._desk.equity)

    @property
    def cash(self) -> float:
        return float(self._desk.portfolio.cash)

    def position(self, symbol: str | None = None) -> float:
        """Signed quantity held, in base units; what is still working is not part of it."""
        return float(self._desk.portfolio.position(self._instrument(symbol).key))

    def orders(self, symbol: str | None = None) -> tuple[WorkingOrder, ...]:
        """Working orders (of one instrument), oldest first."""
        return self._desk.book.of(None if symbol is None else self._instrument(symbol).key)

    def quantity(self, exposure: float, symbol: str | None = None) -> float:
        """Signed quantity that ``exposure`` (in [-1, 1] of equity) is at the last close, cut to the lot."""
        instrument = self._instrument(symbol)
        close = self._desk.closes[instrument.key]
        return float(target_quantity(exposure_of(exposure), self._desk.equity, close, instrument.lot_step))

    def buy(self, quantity: Number, symbol: str | None = None, **options: Unpack[OrderOptions]) -> str | None:
        """Buy ``quantity`` (base units): at the market, or with ``limit=``, ``stop=`` prices, or both.

        Options: ``time_in_force="gtc"``, ``reduce_only=False``, ``tag=""``, ``stop_loss=``, ``take_profit=`` (fractions
        of the entry price, instead of the strategy's). Returns the order's id, ``None`` where the lot leaves nothing.
        Raises :class:`InputError` for a quantity or price that is not positive.
        """
        return self._order(Side.BUY, quantity, symbol, options)

    def sell(self, quantity: Number, symbol: str | None = None, **options: Unpack[OrderOptions]) -> str | None:
        """Sell; see :meth:`buy`."""
        return self._order(Side.SELL, quantity, symbol, options)

    def target(self, exposure: float, symbol: str | None = None, *, tag: str = "") -> str | None:
        """Order at the market what is missing to ``exposure`` in [-1, 1], counting what is working already."""
        return self._desk.rebalance(self._instrument(symbol).key, exposure_of(exposure), tag=tag)

    def cancel(self, order: str | WorkingOrder | None) -> bool:
        """Ask to cancel a working order, by id or itself; False where it has ended already (``None`` too)."""
        found = self._desk.book.get(order.id if isinstance(order, WorkingOrder) else order or "")
        if found is not None:
            self._desk.cancel(found)
        return found is not None

    def cancel_all(self, symbol: str | None = None) -> int:
        """Ask to cancel every working order (of one instrument); how many there were."""
        return sum(self.cancel(order) for order in self.orders(symbol))

    def _order(self, side: Side, quantity: Number, symbol: str | None, options: OrderOptions) -> str | None:
        instrument = self._instrument(symbol)
        size = floor_to_step(_positive(quantity, "quantity", zero=True), instrument.lot_step)
        if size == 0:
            return None
        return self._desk.order(
            instrument.key,
            side.sign * size,
            limit=_price(options.get("limit"), "limit", instrument),
            stop=_price(options.get("stop"), "stop", instrument),
            time_in_force=TimeInForce(options.get("time_in_force", "gtc")),
            reduce_only=options.get("reduce_only", False),
            tag=options.get("tag", ""),
            **protection_of(options.get("stop_loss"), options.get("take_profit")),
        )

    def _label(self, symbol: str | None) -> str:
        if symbol is None and len(self._labels) == 1:
            return next(iter(self._labels))
        for label, key in self._labels.items():
            if symbol in {label, key}:
                return label
        raise InputError(
            f"{symbol!r} is not an instrument of this strategy" if symbol else "Which instrument?",
            hint=f"{near(symbol or '', self._labels)}Name one of {', '.join(self._labels)}.",
        )

    def _instrument(self, symbol: str | None) -> Instrument:
        return self._desk.instruments[self._labels[self._label(symbol)]]


def _price(value: Number | None, what: str, instrument: Instrument) -> Decimal | None:
    return None if value is None else round_to_tick(_positive(value, what), instrument.price_tick)


def _positive(value: Number, what: str, *, zero: bool = False) -> Decimal:
    try:
        number = decimal(value if isinstance(value, Decimal) else float(value))
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"The {what} {value!r} is not a number", hint=f"Give a positive {what}.") from error
    if number < 0 or (number == 0 and not zero):
        raise InputError(
            f"The {what} {value!r} is not positive", hint="buy and sell say the side; give positive numbers."
        )
    return number
