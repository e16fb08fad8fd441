"""A runner's view of its portfolio, built from ``portfolio.updated`` and ``orders.fills``."""

from collections.abc import Mapping
from decimal import Decimal

from ..contracts.errors import InputError
from ..contracts.events import OrderFilled, PortfolioUpdated
from ..contracts.money import ZERO


class PortfolioView:
    """Cash and positions of one portfolio at ``version``.

    The two topics are read independently, so an update may arrive before the fills it contains. Positions follow the
    fills; an update is taken over once its positions agree with the fills seen up to its version. So the position and
    the working orders that :class:`~millstream.sdk.host.StrategyHost` derives from the same fills never disagree,
    and ``version`` is only reached when every fill up to it has been seen.
    """

    def __init__(
        self,
        portfolio_id: str,
        currency: str,
        cash: Mapping[str, Decimal] | Decimal,
        *,
        positions: Mapping[str, Decimal] | None = None,
        version: int = 0,
    ) -> None:
        self.portfolio_id = portfolio_id
        self.currency = currency
        self.version = version
        self._cash = {currency: cash} if isinstance(cash, Decimal) else dict(cash)
        self._positions = dict(positions or {})
        self._fills: dict[tuple[str, str, str], tuple[OrderFilled, str]] = {}
        self._pending: PortfolioUpdated | None = None

    @classmethod
    def of(cls, update: PortfolioUpdated) -> "PortfolioView":
        """The view that ``update`` describes."""
        positions = {position.instrument: position.quantity for position in update.positions}
        return cls(update.portfolio_id, update.currency, update.cash, positions=positions, version=update.version)

    def apply(self, update: PortfolioUpdated) -> None:
        """Take over an update of this portfolio, now or as soon as the fills it contains have been seen."""
        if update.portfolio_id != self.portfolio_id or update.version <= self._pending_version:
            return
        self._pending = update
        self._settle()

    def fill(self, fill: OrderFilled, currency: str = "") -> bool:
        """Count a fill of this portfolio; ``currency`` is the instrument's (empty: the portfolio's).

        Returns whether it was new; a redelivered one changes nothing.
        """
        key = (fill.venue, fill.account, fill.trade_id)
        if fill.portfolio_id != self.portfolio_id or key in self._fills or 0 < fill.portfolio_version <= self.version:
            return False
        self._fills[key] = (fill, currency or self.currency)
        self._book(fill, currency or self.currency)
        self._settle()
        return True

    def position(self, instrument: str) -> Decimal:
        """Signed quantity in base units; 0 where nothing is held."""
        return self._positions.get(instrument, ZERO)

    @property
    def positions(self) -> dict[str, Decimal]:
        """Signed quantity by instrument, flat ones left out."""
        return {instrument: quantity for instrument, quantity in self._positions.items() if quantity}

    @property
    def cash(self) -> Decimal:
        """Cash in the portfolio's currency; below zero where a gap outran a margin account."""
        return self._cash.get(self.currency, ZERO)

    def equity(self, closes: Mapping[str, Decimal]) -> Decimal:
        """Cash plus Σ position × last close. Raises :class:`InputError` for a held instrument without a price."""
        missing = sorted(self.positions.keys() - closes.keys())
        if missing:
            raise InputError(
                f"The portfolio {self.portfolio_id} holds {missing[0]}, for which the strategy has no price",
                hint="Give each strategy a portfolio of its own, or list the instrument in its symbols.",
            )
        return self.cash + sum((quantity * closes[key] for key, quantity in self.positions.items()), ZERO)

    @property
    def _pending_version(self) -> int:
        return self._pending.version if self._pending else self.version

    def _book(self, fill: OrderFilled, currency: str) -> None:
        signed = fill.side.sign * fill.quantity
        self._positions[fill.instrument] = self.position(fill.instrument) + signed
        self._pay(currency, -signed * fill.price)
        self._pay(fill.fee_currency or self.currency, -fill.fee)

    def _pay(self, currency: str, amount: Decimal) -> None:
        self._cash[currency] = self._cash.get(currency, ZERO) + amount

    def _settle(self) -> None:
        update = self._pending
        if update is None or not self._explained(update):
            return
        self._pending, self.version = None, update.version
        self._cash = dict(update.cash)
        self._positions = {position.instrument: position.quantity for position in update.positions}
        self._fills = {
            key: (fill, _) for key, (fill, _) in self._fills.items() if fill.portfolio_version > self.version
        }
        for fill, currency in self._fills.values():
            self._book(fill, currency)

    def _explained(self, update: PortfolioUpdated) -> bool:
        """Whether the fills seen up to the update's version lead to its positions."""
        positions = dict(self._positions)
        for fill, _ in self._fills.values():
            if fill.portfolio_version > update.version:
                positions[fill.instrument] -= fill.side.sign * fill.quantity
        told = {position.instrument: position.quantity for position in update.positions}
        return all(positions.get(key, ZERO) == told.get(key, ZERO) for key in told.keys() | positions.keys())
