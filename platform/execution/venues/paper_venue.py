"""The paper book behind the interface of every venue."""

from ...contracts.events import MarketEvent
from ..order import Order
from .base import CancelResult, FetchResult, SubmitResult, Venue, VenueEvent, VenueOrder, VenueSink
from .paper import PaperBook


class PaperVenue(Venue):
    """One :class:`PaperBook` for all paper portfolios; the account of a fill is the portfolio."""

    def __init__(self, book: PaperBook, *, account: str = "paper") -> None:
        self.book = book
        self.name = book.venue
        self.account = account
        self._sinks: list[VenueSink] = []

    async def submit(self, order: Order, *, now: int) -> SubmitResult:
        return self.book.submit(order, now=now)

    async def cancel(self, order: Order, *, now: int) -> CancelResult:
        return self.book.cancel(order.client_order_id, now=now)

    async def fetch_order(self, client_order_id: str, instrument: str) -> FetchResult:  # noqa: ARG002 - ids are unique here
        return self.book.fetch(client_order_id)

    async def open_orders(self, instrument: str | None = None) -> tuple[VenueOrder, ...]:
        return self.book.open_orders(instrument)

    def subscribe(self, sink: VenueSink) -> None:
        self._sinks.append(sink)

    def on_market(self, event: MarketEvent) -> list[VenueEvent]:
        """Match ``event``, tell every subscriber what it did, and return it."""
        events = self.book.on_market(event)
        for item in events:
            for sink in self._sinks:
                sink(item)
        return events
