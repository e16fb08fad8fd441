"""What a venue is: how it is asked, what it answers, and what it says on its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ...contracts.enums import Liquidity, OrderState, Side
from ..order import Order


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the order under ``venue_order_id`` since ``ts`` (session clock, UTC ns)."""

    venue_order_id: str
    ts: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A definite no: the venue does not have the order and never will under this client order id."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say (timeout, 5xx, unparsable answer): ask the venue first, never send again blindly."""

    reason: str


@dataclass(frozen=True, slots=True)
class Canceled:
    """The venue canceled what was open at ``ts``."""

    ts: int


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The venue did not cancel (already filled, not found)."""

    reason: str


SubmitResult = Accepted | Rejected | Unknown
CancelResult = Canceled | CancelRefused | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue reports it when asked."""

    client_order_id: str
    venue_order_id: str
    instrument: str
    side: Side
    quantity: Decimal
    filled: Decimal
    state: OrderState
    ts: int


@dataclass(frozen=True, slots=True)
class NotFound:
    """The venue answered, and knows no such order. For the paper venue this is proof of non-acceptance."""

    proof: bool


FetchResult = VenueOrder | NotFound | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueEvent:
    """Something a venue says about an order on its own. ``ts`` is session time (UTC ns)."""

    client_order_id: str
    order_id: str
    ts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueAccepted(VenueEvent):
    """The order is on the book. Later than the answer, or instead of it."""

    venue_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTriggered(VenueEvent):
    """The stop price traded: the order is a market or limit order now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill(VenueEvent):
    """One execution; ``(venue, account, trade_id)`` is unique. Fee in units of ``fee_currency``, positive when paid."""

    venue: str
    account: str
    trade_id: str
    instrument: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueCanceled(VenueEvent):
    """The venue took out what was open, for ``reason``."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueExpired(VenueEvent):
    """Ended by its time in force (IOC, FOK, DAY)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRejected(VenueEvent):
    """A rejection that arrived on the event stream instead of as the answer."""

    reason: str


VenueSink = Callable[[VenueEvent], None]


class Venue(ABC):
    """One account at one venue.

    Implementations answer with results, not exceptions: what went wrong on the way to or from the venue is
    :class:`Unknown`. They never retry a submit themselves.
    """

    name: str
    account: str

    @abstractmethod
    async def submit(self, order: Order, *, now: int) -> SubmitResult:
        """Send the order once, under ``order.client_order_id``.

        ``now`` is session time (UTC ns). Fills, also immediate ones, come as events.
        """

    @abstractmethod
    async def cancel(self, order: Order, *, now: int) -> CancelResult:
        """Cancel what is open of the order."""

    @abstractmethod
    async def fetch_order(self, client_order_id: str, instrument: str) -> FetchResult:
        """What the venue knows of the order."""

    @abstractmethod
    async def open_orders(self, instrument: str | None = None) -> tuple[VenueOrder, ...] | Unknown:
        """Every open order of the account, or of one instrument of it."""

    @abstractmethod
    def subscribe(self, sink: VenueSink) -> None:
        """Call ``sink`` with every event from now on, on the event loop, in the venue's order."""
