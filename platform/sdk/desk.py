"""``Desk``: turns what a strategy asks for into intents with deterministic ids."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..contracts.clock import Clock
from ..contracts.enums import OrderType, Side
from ..contracts.errors import InputError
from ..contracts.events import AnyIntent, CancelIntent, OrderIntent
from ..contracts.ids import digest, intent_id, risk_key
from ..contracts.instrument import Instrument
from ..contracts.money import decimal
from .config import HostConfig
from .orders import OrderBook, WorkingOrder
from .portfolio import PortfolioView
from .sizing import order_quantity


class Desk:
    """Orders of one strategy at one moment: ``now`` (UTC ns, session's clock), with ``portfolio`` and ``closes``."""

    def __init__(self, config: HostConfig, clock: Clock, protection: Mapping[str, Decimal | None]) -> None:
        self.config = config
        self.instruments: dict[str, Instrument] = {instrument.key: instrument for instrument in config.instruments}
        self.book = OrderBook()
        self.closes: dict[str, Decimal] = {}
        self.now = 0
        self._clock = clock
        self._protection = dict(protection)
        self._portfolio: PortfolioView | None = None
        self._sequences: dict[str, tuple[int, int]] = {}
        self._made: list[AnyIntent] = []

    @property
    def portfolio(self) -> PortfolioView:
        if self._portfolio is None:
            raise InputError("There is no portfolio yet", hint="Use the context inside the on_… methods only.")
        return self._portfolio

    def open(self, now: int, portfolio: PortfolioView) -> None:
        """Begin a decision. Raises :class:`InputError` for an instrument in another currency than the portfolio's."""
        for instrument in self.instruments.values():
            if instrument.currency != portfolio.currency:
                raise InputError(
                    f"{instrument.key} trades in {instrument.currency}, the portfolio {portfolio.portfolio_id} is kept "
                    f"in {portfolio.currency}",
                    hint="Use a portfolio in the instrument's currency.",
                )
        self.now, self._portfolio = now, portfolio

    def close(self) -> list[AnyIntent]:
        """End a decision: what was made in it."""
        made, self._made = self._made, []
        return made

    def held(self, instrument: str) -> Decimal:
        """Position plus what is working."""
        return self.portfolio.position(instrument) + self.book.working(instrument)

    @property
    def equity(self) -> Decimal:
        return self.portfolio.equity(self.closes)

    def rebalance(self, instrument: str, exposure: float, **options: Any) -> str | None:
        """Order what is missing to ``exposure``; the order's id, or ``None`` when there is nothing to do."""
        close = self._close(instrument)
        quantity = order_quantity(
            exposure,
            equity=self.equity,
            close=close,
            held=self.held(instrument),
            instrument=self.instruments[instrument],
        )
        if not quantity:
            return None
        # A protective leg may close the position while this is decided: an exit must never become an entry.
        return self.order(instrument, quantity, **{"reduce_only": self._reduces(instrument, quantity), **options})

    def order(
        self,
        instrument: str,
        quantity: Decimal,
        *,
        limit: Decimal | None = None,
        stop: Decimal | None = None,
        **options: Any,
    ) -> str:
        """Make an order of a signed ``quantity`` (base units, not zero) and return its id."""
        side = Side.BUY if quantity > 0 else Side.SELL
        protection = self._protection if self._opens(instrument, quantity) else {}
        intent = OrderIntent(
            **self._base(instrument),
            side=side,
            quantity=abs(quantity),
            order_type=_order_type(limit, stop),
            limit_price=limit,
            stop_price=stop,
            reference_price=self._close(instrument),
            **{**protection, **{name: value for name, value in options.items() if value is not None}},
        )
        self._made.append(intent)
        self.book.add(WorkingOrder.of(intent))
        return intent.intent_id

    def cancel(self, order: WorkingOrder) -> None:
        """Ask for the cancellation of ``order``; it is working until the trading service says it has ended."""
        self._made.append(CancelIntent(**self._base(order.instrument), target_intent_id=order.id))

    def _reduces(self, instrument: str, quantity: Decimal) -> bool:
        """Whether the order only makes the position smaller, down to nothing at most."""
        position = self.portfolio.position(instrument)
        return position * quantity < 0 and abs(quantity) <= abs(position)

    def _opens(self, instrument: str, quantity: Decimal) -> bool:
        """Whether the order opens or enlarges a position: only such an order needs protection."""
        after = self.held(instrument) + quantity
        return after != 0 and (after > 0) == (quantity > 0)

    def _close(self, instrument: str) -> Decimal:
        if instrument not in self.closes:
            raise InputError(
                f"{instrument} has no bar yet, so there is no price to decide on", hint="Order from its first bar on."
            )
        return self.closes[instrument]

    def _base(self, instrument: str) -> dict[str, Any]:
        config = self.config
        identity = self._next_id(instrument)
        return {
            "event_id": digest("event", identity),
            "occurred_at": self._clock.now(),
            "trace_id": identity,
            "intent_id": identity,
            "idempotency_key": identity,
            "deployment_id": config.deployment_id,
            "epoch": config.epoch,
            "portfolio_id": config.portfolio_id,
            "instrument": instrument,
            "risk_key": risk_key(config.portfolio_id, instrument),
            "decided_at": self.now,
            "expires_at": self.now + config.intent_ttl,
            "session": config.session,
        }

    def _next_id(self, instrument: str) -> str:
        """Ids count from 0 at each event time, so that a restarted runner meets its own earlier intents."""
        last, count = self._sequences.get(instrument, (0, 0))
        moment = max(self.now, last)
        sequence = count + 1 if moment == last else 0
        self._sequences[instrument] = (moment, sequence)
        return intent_id(self.config.deployment_id, instrument, moment, sequence)


def _order_type(limit: Decimal | None, stop: Decimal | None) -> OrderType:
    if limit is not None:
        return OrderType.STOP_LIMIT if stop is not None else OrderType.LIMIT
    return OrderType.STOP if stop is not None else OrderType.MARKET


def protection_of(stop_loss: float | None, take_profit: float | None) -> dict[str, Decimal | None]:
    """Protection options of an order as exact fractions."""
    return {
        "stop_loss": None if stop_loss is None else decimal(stop_loss),
        "take_profit": None if take_profit is None else decimal(take_profit),
    }
