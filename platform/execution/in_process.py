"""The trading core and the paper book without a service: for research replays, where nothing crashes."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ..contracts.events import CancelIntent, Event, MarketEvent, OrderIntent, PortfolioUpdated
from ..contracts.ids import digest
from ..contracts.instrument import Instrument
from ..portfolio.ledger import Ledger
from ..risk.engine import RiskEngine
from ..risk.view import DeploymentState
from .core import TradingCore
from .effects import Effects
from .protection import Protection
from .state import Account, Deployment, Session, TradingState
from .venues.paper import PaperBook


def paper_account(
    instruments: Iterable[Instrument],
    deployment: DeploymentState,
    *,
    capital: Decimal,
    currency: str,
    protection: Protection | None = None,
) -> TradingState:
    """State of one deployment with its own portfolio of ``capital``, on a market-time session that has not begun."""
    state = TradingState(instruments={instrument.key: instrument for instrument in instruments})
    state.sessions[deployment.session] = Session(deployment.session, "market")
    ledger = Ledger(deployment.portfolio_id, currency, state.instruments)
    ledger.cash[currency] = capital
    account = Account(ledger, deployment.session, deployment.deployment_id)
    state.accounts[deployment.portfolio_id] = account
    state.put_deployment(Deployment(deployment, protection or Protection()))
    return state


class InProcessTrading:
    """Feed market events and intents in order; get back the events the trading service would publish, in its order.

    What is sent to the venue is answered at once, before the next event: as in a lock-step replay. Wall time is the
    market's own time.
    """

    def __init__(
        self, state: TradingState, *, slippage_bps: Decimal = Decimal(0), engine: RiskEngine | None = None
    ) -> None:
        self.book = PaperBook(state.instruments, slippage_bps=slippage_bps)
        self.core = TradingCore(state, engine=engine, match=self.book.on_market)
        self._wall = 0

    def market(self, event: MarketEvent) -> list[Event]:
        """What a market event leads to: fills, order updates, ``PortfolioUpdated`` at fills and at each new slice."""
        self._wall = max(self._wall, event.ts)
        return self._settle(self.core.on_market(event, self._wall))

    def intent(self, intent: OrderIntent | CancelIntent) -> list[Event]:
        """What an intent leads to: ``TradeApproved`` and ``OrderUpdated``, or ``TradeRejected``."""
        self._wall = max(self._wall, intent.decided_at)
        return self._settle(self.core.on_intent(intent, self._wall, b""))

    def portfolio(self, portfolio_id: str) -> PortfolioUpdated:
        """The portfolio now. Raises ``KeyError`` for one that does not exist."""
        account = self.core.state.accounts[portfolio_id]
        event_id = digest("view", portfolio_id, account.ledger.version, self._wall)
        return account.ledger.view(self._wall, event_id=event_id, occurred_at=self._wall, session=account.session)

    @property
    def marks(self) -> Mapping[tuple[str, str], Decimal | None]:
        """Last price by (session, instrument)."""
        return {key: market.risk.mark for key, market in self.core.state.markets.items()}

    def _settle(self, effects: Effects) -> list[Event]:
        while effects.commands:
            sends, cancels = effects.take_commands()
            for order in cancels:
                if order.working:
                    now = self.core.state.session(order.session).now(self._wall)
                    answer = self.book.cancel(order.client_order_id, now=now)
                    effects.add(self.core.on_canceled(order, answer, self._wall))
            for order in sends:
                if not order.working:
                    continue
                now = self.core.state.session(order.session).now(self._wall)
                result = self.book.submit(order, now=now)
                effects.add(self.core.on_submitted(order, result, journalled=self._wall, wall=self._wall))
        return [emitted.event for emitted in effects.events]
