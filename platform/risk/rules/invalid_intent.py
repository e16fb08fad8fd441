"""INVALID_INTENT: what is asked must make sense for the order type and fit the instrument's steps."""

from collections.abc import Iterator
from decimal import Decimal

from ...contracts.enums import OrderType, RejectCode
from ...contracts.events import OrderIntent
from ...contracts.ids import risk_key
from ...contracts.instrument import Instrument
from ...contracts.money import ONE, ZERO
from ..decision import Breach
from ..view import InstrumentView
from .base import Rule, deployment_breach

_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


class InvalidIntent(Rule[InstrumentView]):
    """Tells the first fault it finds."""

    codes = (RejectCode.INVALID_INTENT,)
    stages = (1,)

    def check(self, intent: OrderIntent, view: InstrumentView) -> Breach | None:
        fault = next(_faults(intent, view.state.instrument), None)
        return None if fault is None else deployment_breach(intent, RejectCode.INVALID_INTENT, fault)


def _faults(intent: OrderIntent, instrument: Instrument) -> Iterator[str]:
    if not (intent.quantity.is_finite() and intent.quantity > ZERO):
        yield f"the quantity {intent.quantity} is not positive"
    elif _off(intent.quantity, instrument.lot_step):
        yield f"the quantity {intent.quantity} is not a multiple of the lot step {instrument.lot_step}"
    yield from _price_faults("limit price", intent.limit_price, intent.order_type in _LIMITED, instrument)
    yield from _price_faults("stop price", intent.stop_price, intent.order_type in _STOPPED, instrument)
    if intent.reference_price is not None and not _positive(intent.reference_price):
        yield f"the reference price {intent.reference_price} is not positive"
    if intent.stop_loss is not None and not (_positive(intent.stop_loss) and intent.stop_loss < ONE):
        yield f"the stop-loss {intent.stop_loss} is not a fraction between 0 and 1"
    if intent.take_profit is not None and not _positive(intent.take_profit):
        yield f"the take-profit {intent.take_profit} is not a positive fraction"
    if intent.risk_key != risk_key(intent.portfolio_id, intent.instrument):
        yield f"the risk key {intent.risk_key!r} is not that of its portfolio and instrument"


def _price_faults(what: str, price: Decimal | None, needed: bool, instrument: Instrument) -> Iterator[str]:  # noqa: FBT001
    if price is None:
        if needed:
            yield f"an order of this type needs a {what}"
    elif not needed:
        yield f"an order of this type has no {what}"
    elif not _positive(price):
        yield f"the {what} {price} is not positive"
    elif _off(price, instrument.price_tick):
        yield f"the {what} {price} is not a multiple of the tick {instrument.price_tick}"


def _positive(number: Decimal) -> bool:
    return number.is_finite() and number > ZERO


def _off(number: Decimal, step: Decimal) -> bool:
    return step > ZERO and number % step != ZERO
