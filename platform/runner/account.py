"""What the bus says about a runner's portfolio, handed to its view and its strategy's host as it comes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from ..bus.base import Consumer, Delivery, TopicPartition
from ..bus.partitions import partition_of
from ..contracts import topics
from ..contracts.codec import decode
from ..contracts.enums import OrderState
from ..contracts.errors import RetriableError, UndecodableMessageError
from ..contracts.events import (
    AnyIntent,
    CancelIntent,
    Event,
    OrderFilled,
    OrderUpdated,
    PortfolioUpdated,
    TradeRejected,
)
from ..contracts.instrument import Instrument
from ..sdk.host import StrategyHost
from ..sdk.portfolio import PortfolioView

TOPICS = (topics.ORDERS_PLACED, topics.ORDERS_FILLS, topics.TRADES_REJECTED, topics.PORTFOLIO_UPDATED)
_IN_DOUBT = frozenset({OrderState.INITIALIZED, OrderState.SUBMITTED, OrderState.UNKNOWN})
Answers = Callable[[Sequence[str]], Awaitable[Sequence[Event]]]
"""What the database says of intents: rejections, and the present state of their orders."""
_log = structlog.get_logger()


def account_partitions(portfolio_id: str) -> list[TopicPartition]:
    """The partitions that hold everything about one portfolio."""
    return [TopicPartition(topic.name, partition_of(portfolio_id, topic.partitions)) for topic in TOPICS]


class Account:
    """Follows one portfolio for one deployment.

    ``read_on`` applies events until it is cancelled; :meth:`reach` waits until enough of them have come.

    ``decided_ts`` is the close time (UTC ns) of the last slice that was decided, 0 for none. A runner that ended
    between a slice and its checkpoint left cancels behind which this one is about to decide again: until then their
    orders work, as they did when they were first decided.
    """

    def __init__(
        self,
        host: StrategyHost,
        view: PortfolioView,
        instruments: tuple[Instrument, ...],
        answers: Answers | None = None,
        *,
        decided_ts: int = 0,
    ) -> None:
        self.view = view
        self._answers = answers
        self._host = host
        self._deployment_id = host.config.deployment_id
        self._known = view.version
        self._filled_to = view.version
        self._currencies = {instrument.key: instrument.currency for instrument in instruments}
        self._unsettled: dict[str, str] = {}
        self._ended: set[str] = set()
        self._decided_ts = decided_ts
        self._ahead: dict[str, OrderUpdated] = {}
        self._progress = asyncio.Event()

    async def read_on(self, consumer: Consumer) -> None:
        """Apply what comes, for as long as it comes."""
        while True:
            try:
                deliveries = await consumer.read()
            except RetriableError as error:
                _log.warning("bus lost, reading again", error=str(error))
                continue
            for delivery in deliveries:
                self._receive(delivery)
            self._progress.set()

    def sent(self, intents: list[AnyIntent]) -> None:
        """Remember what was asked for, to know when it is settled."""
        for intent in intents:
            target = intent.target_intent_id if isinstance(intent, CancelIntent) else ""
            if target not in self._ended:
                self._unsettled[intent.intent_id] = target
        self._catch_up()

    def decided(self, ts: int) -> None:
        """The slice that closed at ``ts`` (UTC ns) was decided, and what it asked for was ``sent``."""
        self._decided_ts = ts
        self._catch_up()

    @property
    def unanswered(self) -> list[str]:
        """Intents without an answer yet, and those that they want to cancel."""
        return [*self._unsettled, *(target for target in self._unsettled.values() if target)]

    def tell(self, answers: Iterable[Event]) -> None:
        """Apply what the database says of unanswered intents.

        A restarted runner makes an intent again whose answer was published before it listened.
        """
        for event in answers:
            self.apply(event)
        self._progress.set()

    async def reach(self, version: int) -> None:
        """Wait for version ``version`` of the portfolio.

        And for every fill in it (nothing else moves a version) and the answer to every intent that was sent; then take
        over the ends of orders that nobody asked for.

        In lock step only: there the market itself waits for all of it, so it is certain to come. The topics are read
        side by side, so none of them proves that another has been read as far.
        """
        while self.view.version < version or self._filled_to < version or self._unsettled:
            self._progress.clear()
            await self._progress.wait()
        if self._answers is not None:
            working = [order.id for order in self._host.context.orders()]
            if working:
                self.tell(await self._answers(working))

    def _receive(self, delivery: Delivery) -> None:
        try:
            event = decode(delivery.topic, delivery.value)
        except UndecodableMessageError as error:
            _log.error("skipped a record that cannot be read", error=str(error), hint=error.hint)
            return
        self.apply(event)

    def apply(self, event: Event) -> None:
        """Apply one event; those of other portfolios that share the partition are passed over."""
        if getattr(event, "portfolio_id", None) != self.view.portfolio_id:
            return
        match event:
            case PortfolioUpdated():
                self.view.apply(event)
            case OrderFilled():
                self._filled(event)
            case OrderUpdated() if event.deployment_id == self._deployment_id:
                self._updated(event)
            case TradeRejected() if event.deployment_id == self._deployment_id:
                self._host.on_rejected(event)
                self._end(event.intent_id)
                self._unsettled.pop(event.intent_id, None)
            case _:
                pass

    def _filled(self, fill: OrderFilled) -> None:
        self._filled_to = max(self._filled_to, fill.portfolio_version)
        if 0 < fill.portfolio_version <= self._known:
            return
        self.view.fill(fill, self._currencies.get(fill.instrument, ""))
        if fill.deployment_id == self._deployment_id:
            # Also one that the view has counted already: a round trip changes no position that it would miss.
            self._host.on_fill(fill)

    def _catch_up(self) -> None:
        """Apply the updates that were ahead of the strategy and are not any more; those that still are go back."""
        ahead, self._ahead = self._ahead, {}
        for update in ahead.values():
            self._updated(update)

    def _updated(self, update: OrderUpdated) -> None:
        known = update.cancel_decided_at <= self._decided_ts or update.intent_id in self._unsettled.values()
        if not known and not update.leg:
            self._ahead[update.intent_id] = update
            return
        self._host.on_order(update)
        if update.leg or update.state in _IN_DOUBT:
            return
        self._unsettled.pop(update.intent_id, None)
        if update.state.terminal:
            self._end(update.intent_id)

    def _end(self, intent: str) -> None:
        self._ended.add(intent)
        for cancel in [cancel for cancel, target in self._unsettled.items() if target == intent]:
            del self._unsettled[cancel]
