"""What the trading core knows: instruments, sessions, deployments, accounts, orders. Plain data with its lookups."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from ..contracts.enums import HaltState, ScopeKind
from ..contracts.instrument import Instrument
from ..portfolio.ledger import Ledger
from ..risk.day import RiskDay
from ..risk.halts import Halts
from ..risk.recent import RecentIntents
from ..risk.reservations import Reservations
from ..risk.view import DeploymentState, InstrumentState
from .order import Order
from .protection import Bracket, Protection

INBOX_LIMIT = 50_000
ENDED_ORDERS_LIMIT = 20_000
DAY_NS = 86_400_000_000_000


@dataclass(slots=True)
class Session:
    """A market that deployments trade on.

    ``position`` is its newest market time, ``slice_ts`` its newest watermark (UTC ns), ``day`` its accounts' UTC day.
    """

    session_id: str
    clock: str
    position: int = 0
    slice_ts: int = 0
    day: int = -1
    recent: RecentIntents = field(default_factory=RecentIntents)

    def now(self, wall: int) -> int:
        """The time that rules use here."""
        return wall if self.clock == "wall" else self.position


@dataclass(slots=True)
class Deployment:
    """A deployment as its row says; ``version`` tells whether the row has changed since."""

    risk: DeploymentState
    protection: Protection = field(default_factory=Protection)
    version: str = ""


@dataclass(slots=True)
class Account:
    """One portfolio, and the deployment that trades it."""

    ledger: Ledger
    session: str
    deployment_id: str
    day: RiskDay = field(default_factory=RiskDay)
    reservations: Reservations = field(default_factory=Reservations)

    @property
    def portfolio_id(self) -> str:
        return self.ledger.portfolio_id


@dataclass(slots=True)
class Market:
    """One instrument in one session: what risk sees of it, and the sequence of its last event."""

    risk: InstrumentState
    sequence: int = -1


class Orders:
    """Orders by id, the working ones apart; of the ended ones the newest are kept, for late fills and repeated news."""

    def __init__(self) -> None:
        self.working: dict[str, Order] = {}
        self._legs: dict[tuple[str, str], dict[str, Order]] = {}
        self._ended: OrderedDict[str, Order] = OrderedDict()

    def __iter__(self) -> Iterator[Order]:
        return iter(list(self.working.values()))

    def get(self, order_id: str) -> Order | None:
        return self.working.get(order_id) or self._ended.get(order_id)

    def put(self, order: Order) -> None:
        """Take over the order's present state; call it after every change."""
        if order.leg:
            self._put_leg(order)
        if order.working:
            self.working[order.order_id] = order
            return
        self.working.pop(order.order_id, None)
        self._ended[order.order_id] = order
        if len(self._ended) > ENDED_ORDERS_LIMIT:
            self._ended.popitem(last=False)

    def legs(self, portfolio_id: str, instrument: str) -> list[Order]:
        """Working protective orders of a position."""
        return list(self._legs.get((portfolio_id, instrument), {}).values())

    def _put_leg(self, order: Order) -> None:
        legs = self._legs.setdefault((order.portfolio_id, order.instrument), {})
        if order.working:
            legs[order.order_id] = order
        else:
            legs.pop(order.order_id, None)


class Inbox:
    """Content digests of the intents seen lately; the database knows all of them."""

    def __init__(self) -> None:
        self._digests: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, intent_id: str) -> bool:
        return intent_id in self._digests

    def get(self, intent_id: str) -> str | None:
        return self._digests.get(intent_id)

    def put(self, intent_id: str, digest: str) -> None:
        self._digests[intent_id] = digest
        if len(self._digests) > INBOX_LIMIT:
            self._digests.popitem(last=False)


@dataclass(slots=True)
class TradingState:
    """Everything the handlers read and change. ``unregistered`` are instruments that the database does not have."""

    instruments: dict[str, Instrument] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    markets: dict[tuple[str, str], Market] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    traders: defaultdict[tuple[str, str], list[Account]] = field(default_factory=lambda: defaultdict(list))
    orders: Orders = field(default_factory=Orders)
    inbox: Inbox = field(default_factory=Inbox)
    brackets: dict[tuple[str, str], Bracket] = field(default_factory=dict)
    halts: Halts = field(default_factory=Halts)
    unregistered: set[str] = field(default_factory=set)

    def put_deployment(self, deployment: Deployment) -> None:
        """Take over a new or changed deployment; its account must be there."""
        risk = deployment.risk
        self.deployments[risk.deployment_id] = deployment
        account = self.accounts.get(risk.portfolio_id)
        if account is None:
            return
        account.deployment_id = risk.deployment_id
        for instrument in risk.instruments:
            accounts = self.traders[account.session, instrument]
            if account not in accounts:
                accounts.append(account)

    def put_order(self, order: Order) -> None:
        """Take over an order's present state everywhere it counts."""
        self.orders.put(order)
        account = self.accounts.get(order.portfolio_id)
        if account is not None:
            account.reservations.update(order)

    def market(self, session: str, instrument: str) -> Market | None:
        """The instrument in that session, made on first use; None when it is not registered."""
        found = self.markets.get((session, instrument))
        if found is None and (known := self.instruments.get(instrument)) is not None:
            found = self.markets[session, instrument] = Market(InstrumentState(instrument=known, session=session))
        return found

    def session(self, session_id: str) -> Session:
        """The session; one that has no row (any more) runs on market time, so that nothing in it looks fresh."""
        found = self.sessions.get(session_id)
        if found is None:
            found = self.sessions[session_id] = Session(session_id, "wall" if not session_id else "market")
        return found

    def accounts_of(self, session: str) -> list[Account]:
        return [account for account in self.accounts.values() if account.session == session]

    def in_scope(self, scope: ScopeKind, scope_id: str) -> list[Order]:
        """Working orders that a scope covers."""
        return [order for order in self.orders if _covers(scope, scope_id, order)]

    def halt_state(self, order: Order) -> HaltState:
        """The strictest halt that covers the order."""
        halt = self.halts.effective(
            portfolio_id=order.portfolio_id, deployment_id=order.deployment_id, instrument=order.instrument
        )
        return HaltState.ACTIVE if halt is None else halt.state

    def position(self, portfolio_id: str, instrument: str) -> Decimal:
        account = self.accounts.get(portfolio_id)
        return account.ledger.quantity(instrument) if account is not None else Decimal(0)


def _covers(scope: ScopeKind, scope_id: str, order: Order) -> bool:
    match scope:
        case ScopeKind.GLOBAL:
            return True
        case ScopeKind.PORTFOLIO:
            return order.portfolio_id == scope_id
        case ScopeKind.DEPLOYMENT:
            return order.deployment_id == scope_id
        case ScopeKind.INSTRUMENT:
            return order.instrument == scope_id


def positions(accounts: Iterable[Account]) -> Iterator[tuple[str, str, Decimal]]:
    """(portfolio, instrument, signed quantity) of every open position."""
    for account in accounts:
        for position in account.ledger.positions.values():
            if position.quantity:
                yield account.portfolio_id, position.instrument, position.quantity
