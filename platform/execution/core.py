"""The trading core: what every event does to the state, and what has to be written, published and sent because of it.

Pure: no I/O, no clock, no randomness. The trading service wraps it with a journal, a bus and a venue; research replays
wrap it with nothing (:mod:`millstream.execution.in_process`).
"""

from collections.abc import Callable, Iterable, Mapping

from ..contracts import topics
from ..contracts.enums import HaltState, OrderState, ScopeKind
from ..contracts.events import CancelIntent, CancelOrders, MarketEvent, OrderIntent, Watermark
from ..risk.engine import RiskEngine
from ..risk.halts import Halt
from . import deciding, marking, settling
from .effects import Effects, Emitted
from .intake import Poison
from .order import Order
from .state import TradingState
from .venues.base import CancelResult, FetchResult, SubmitResult, VenueEvent

Matcher = Callable[[MarketEvent], Iterable[VenueEvent]]


def no_matching(_: MarketEvent) -> Iterable[VenueEvent]:
    """For venues outside this process: they see the market themselves."""
    return ()


class TradingCore:
    """Handlers over a :class:`~millstream.execution.state.TradingState`; ``wall`` is always wall time in UTC ns.

    ``match`` is what a venue in this process makes of a market event (:meth:`PaperBook.on_market`).
    Orders in ``Effects.sends`` and ``cancels`` go to the venue after the rows are committed; its answers come back
    through ``on_submitted``, ``on_canceled`` and ``on_venue``, before the next market event is handled.
    """

    def __init__(
        self, state: TradingState | None = None, *, engine: RiskEngine | None = None, match: Matcher = no_matching
    ) -> None:
        self.state = state if state is not None else TradingState()
        self._engine = engine if engine is not None else RiskEngine()
        self._match = match
        self._halts: dict[tuple[ScopeKind, str], HaltState] = {}

    def on_intent(self, intent: OrderIntent | CancelIntent, wall: int, payload: bytes | None = None) -> Effects:
        """Decide an intent; ``payload`` are its bytes as received (encoded again when not given)."""
        return deciding.on_intent(self.state, self._engine, intent, wall, payload)

    def on_market(self, event: MarketEvent, wall: int) -> Effects:
        """Take over a market event; a redelivered one (by ``sequence``) does nothing."""
        market = marking.fresh(self.state, event)
        if market is None:
            return Effects()
        effects = marking.mark(self.state, market, event, wall)
        for result in self._match(event):
            effects.add(self.on_venue(result, wall))
        if isinstance(event, Watermark):
            effects.add(marking.close_slice(self.state, event, wall))
        return effects

    def on_control(self, command: CancelOrders, wall: int) -> Effects:
        """Cancel the working orders of a scope, or those it names.

        The other commands are prompts to read the database again.
        """
        effects = Effects()
        orders = self.state.in_scope(command.scope, command.scope_id)
        if command.orders:
            orders = [order for order in orders if order.order_id in command.orders]
        settling.cancel_all(self.state, orders, command.reason, effects, wall=wall)
        return effects

    def on_halts(self, halts: Mapping[tuple[ScopeKind, str], HaltState], wall: int) -> Effects:
        """Take over a reading of the kill switch: cancel what it covers, protect again what it covers no more."""
        effects = Effects()
        changed = halts != self._halts
        if not halts and not changed:
            return effects
        self._halts = dict(halts)
        self.state.halts.replace([Halt(scope, scope_id, value) for (scope, scope_id), value in halts.items()])
        for order in self.state.orders:
            if self._stopped(order):
                deciding.request_cancel(self.state, order, "halted", effects, wall=wall)
        if changed:
            settling.protect_all(self.state, effects, wall=wall)
        return effects

    def on_venue(self, event: VenueEvent, wall: int) -> Effects:
        """Something the venue says on its own: a fill, a trigger, a cancel, an expiry."""
        return settling.on_venue(self.state, event, wall=wall)

    def on_submitted(self, order: Order, result: SubmitResult, *, journalled: int, wall: int) -> Effects:
        """The venue's answer to a send; ``journalled`` is when its commit had returned."""
        return settling.on_submitted(self.state, order, result, journalled=journalled, wall=wall)

    def on_canceled(self, order: Order, result: CancelResult, wall: int) -> Effects:
        """The venue's answer to a cancel."""
        return settling.on_canceled(self.state, order, result, wall=wall)

    def on_fetched(self, order: Order, result: FetchResult, wall: int) -> Effects:
        """The venue's answer to a query about an order in ``unknown``."""
        return settling.on_fetched(self.state, order, result, wall=wall)

    def on_poison(self, poison: Poison, wall: int) -> Effects:
        """A record that cannot be used: dead letter; on the intents' topic the deployment it names is halted too."""
        effects = Effects(events=[Emitted(topics.DEAD_LETTERS, poison.letter.source, poison.letter)])
        if poison.deployment_id in self.state.deployments:
            reason = f"undecodable intent: {poison.letter.reason}"
            settling.halt_deployment(self.state, poison.deployment_id, reason, effects, wall=wall)
        return effects

    def lose_submitted(self, wall: int) -> Effects:
        """After a crash: what was journalled as submitted may or may not have reached the venue.

        A cancel that was on its way is asked for again.
        """
        effects = Effects()
        for order in self.state.orders:
            if order.state is OrderState.SUBMITTED:
                settling.lose(self.state, order, effects, wall=wall)
            elif order.state is OrderState.PENDING_CANCEL:
                effects.cancels.append(order)
        return effects

    def unknown(self) -> list[Order]:
        """Orders whose outcome only the venue can tell."""
        return [order for order in self.state.orders if order.state is OrderState.UNKNOWN]

    def protect_all(self, wall: int) -> Effects:
        """Bring every position's protective legs in line with its bracket."""
        effects = Effects()
        settling.protect_all(self.state, effects, wall=wall)
        return effects

    def _stopped(self, order: Order) -> bool:
        halt = self.state.halt_state(order)
        if halt is not HaltState.REDUCE_ONLY:
            return halt is HaltState.HALTED
        position = self.state.position(order.portfolio_id, order.instrument)
        return not order.reduce_only and position * order.side.sign >= 0
