"""STALE_MARKET_DATA: a price that is missing, old, crossed or has just jumped is no reference to trade on."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ...contracts.money import bps_between
from ...contracts.time import SECOND
from ..decision import Breach
from ..view import InstrumentView
from .base import Rule, instrument_breach, required, required_ns, text


class StaleMarketData(Rule[InstrumentView]):
    """Age is measured on the session's clock, the jump between the last two prices."""

    codes = (RejectCode.STALE_MARKET_DATA,)
    limits = ("max_data_age_ns", "max_jump_bps")
    stages = (1,)

    def check(self, intent: OrderIntent, view: InstrumentView) -> Breach | None:
        max_age = required_ns(view.limits.max_data_age_ns, "max_data_age_ns")
        max_jump = required(view.limits.max_jump_bps, "max_jump_bps")
        market = view.state
        if market.mark is None or market.mark <= 0:
            return self._stale(intent, f"{intent.instrument} has no price yet", observed=str(market.mark))
        age = view.now - market.mark_ts
        if age > max_age:
            message = f"the last price of {intent.instrument} is {age / SECOND:.3f} s old"
            return self._stale(intent, message, observed=f"{age / SECOND:.3f} s", limit=f"{max_age / SECOND:.3f} s")
        if market.bid is not None and market.ask is not None and market.bid > market.ask:
            message = f"the book of {intent.instrument} is crossed"
            return self._stale(intent, message, observed=f"bid {market.bid}", limit=f"ask {market.ask}")
        if market.previous_mark is not None:
            jump = bps_between(market.mark, market.previous_mark)
            if jump > max_jump:
                message = f"{intent.instrument} jumped from {market.previous_mark} to {market.mark}"
                return self._stale(intent, message, observed=f"{text(jump)} bps", limit=f"{text(max_jump)} bps")
        return None

    def _stale(self, intent: OrderIntent, message: str, **texts: str) -> Breach:
        return instrument_breach(intent, RejectCode.STALE_MARKET_DATA, message, **texts)
