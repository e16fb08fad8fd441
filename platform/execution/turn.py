"""One turn of the trading service: prelude, handlers, commit, send, commit."""

import asyncio
from dataclasses import dataclass, field

from ..bus.base import Record, TopicPartition
from ..contracts.clock import Clock
from ..contracts.events import CancelIntent, CancelOrders, InstrumentRegistered, MarketEvent, OrderIntent
from ..store.partitions import ensure_partitions
from . import loading
from .core import TradingCore
from .effects import Effects
from .failpoints import Failpoints
from .intake import Batch, Poison, Step
from .journal import Connection, Journal, Prelude
from .order import Order
from .publisher import Publisher
from .tally import Tally
from .venues.base import CancelResult, FetchResult, SubmitResult, Venue


@dataclass(slots=True)
class Parts:
    """What a turn works with; made anew at every recovery."""

    core: TradingCore
    journal: Journal
    venue: Venue
    publisher: Publisher
    conn: Connection
    clock: Clock
    failpoints: Failpoints
    tally: Tally = field(default_factory=Tally)


class Turn:
    """Runs batches. Not reusable after an error: the state in memory may be ahead of the database then."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._core = parts.core
        self._offsets: dict[TopicPartition, int] = {}
        self._effects = Effects()
        self._journalled = False
        self._records: list[Record] = []
        self._newest = 0
        self._replayed = False

    async def run(self, batch: Batch) -> None:
        """Handle a batch (an empty one looks at the kill switch only) and hand its events to the publisher.

        Raises :class:`FencedError`, :class:`IntegrityError` or ``psycopg.Error``; then the process recovers or ends.
        """
        prelude = await self._begin(batch)
        self._effects.add(self._core.on_halts(prelude.halts, self._now()))
        for step in batch.steps:
            if isinstance(step.event, MarketEvent) and self._effects.commands:
                await self._settle()
            self._effects.add(self._handle(step))
            self._offsets[step.where] = step.offset
        await self._finish()

    async def resolve(self) -> None:
        """After a restart: ask the venue for orders of unknown outcome, repeat lost cancels, restore legs."""
        prelude = await self._begin(Batch())
        core = self._core
        self._effects.add(core.on_halts(prelude.halts, self._now()))
        self._effects.add(core.lose_submitted(self._now()))
        for order in core.unknown():
            answer: FetchResult = await self._parts.venue.fetch_order(order.client_order_id, order.instrument)
            self._effects.add(core.on_fetched(order, answer, self._now()))
        await self._settle()
        self._effects.add(core.protect_all(self._now()))
        await self._finish()

    async def _begin(self, batch: Batch) -> Prelude:
        journal = self._parts.journal
        journal.published(self._parts.publisher.published)
        state = self._core.state
        unseen = [intent_id for intent_id in batch.intents if intent_id not in state.inbox]
        prelude = await journal.begin(batch.deployments, unseen)
        for intent_id, digest in prelude.intents.items():
            state.inbox.put(intent_id, digest)
        changed = [
            key
            for key, version in prelude.deployments.items()
            if key not in state.deployments or state.deployments[key].version != version
        ]
        await self._make_known(batch, changed)
        self._replayed = any(state.session(name).clock == "market" for name in batch.sessions)
        return prelude

    async def _make_known(self, batch: Batch, changed: list[str]) -> None:
        """Load what this read names for the first time: an account has to see its session from the first bar on."""
        conn, state = self._parts.conn, self._core.state
        sessions = batch.sessions - state.sessions.keys()
        unknown = batch.instruments - state.instruments.keys() - state.unregistered
        if sessions:
            await loading.load_sessions(conn, state)
            changed = [*changed, *await loading.deployments_on(conn, sessions)]
        if changed or unknown:
            await loading.load_instruments(conn, state)
            state.unregistered |= unknown - state.instruments.keys()
        if changed:
            await loading.load_deployments(conn, state, changed)

    def _handle(self, step: Step) -> Effects:
        now = self._now()
        match step.event:
            case OrderIntent() | CancelIntent() as intent:
                return self._core.on_intent(intent, now, step.payload)
            case MarketEvent() as market:
                return self._core.on_market(market, now)
            case CancelOrders() as command:
                return self._core.on_control(command, now)
            case InstrumentRegistered(instrument=instrument):
                self._core.state.instruments[instrument.key] = instrument
                self._core.state.unregistered.discard(instrument.key)
                return Effects()
            case Poison() as poison:
                return self._core.on_poison(poison, now)
            case _:
                return Effects()

    async def _finish(self) -> None:
        while self._effects.commands:
            await self._settle()
        if self._effects.empty and not self._offsets:
            await self._parts.journal.release()
        else:
            await self._commit(release=True)
        if self._records:
            await self._parts.publisher.put(self._records, self._newest)

    async def _settle(self) -> None:
        """Commit what is decided, then let the venue do it; its answers are for the next commit."""
        sends, cancels = self._effects.take_commands()
        sends = [order for order in sends if order.working]
        await self._commit(release=False)
        journalled = self._now()
        failpoints = self._parts.failpoints
        canceled = await asyncio.gather(*[self._cancel(order) for order in cancels]) if cancels else []
        submitted = await self._send(sends)
        failpoints.hit("before_ack")
        now = self._now()
        for order, cancel_result in zip(cancels, canceled, strict=True):
            if cancel_result is not None:
                self._effects.add(self._core.on_canceled(order, cancel_result, now))
        for order, result in zip(sends, submitted, strict=True):
            self._effects.add(self._core.on_submitted(order, result, journalled=journalled, wall=now))
        self._parts.tally.sent(sends, journalled=journalled, acknowledged=now)
        failpoints.hit("after_ack")

    async def _send(self, orders: list[Order]) -> list[SubmitResult]:
        results = []
        for order in orders:
            self._parts.failpoints.hit("before_send")
            # A protective leg follows from a fill of its own instrument, which others may be ahead of by now.
            now = order.created_ts if order.leg else self._session_now(order)
            results.append(await self._parts.venue.submit(order, now=now))
            self._parts.failpoints.hit("after_send")
        return results

    async def _cancel(self, order: Order) -> CancelResult | None:
        if not order.working:
            return None
        return await self._parts.venue.cancel(order, now=self._session_now(order))

    async def _commit(self, *, release: bool) -> None:
        effects, self._effects = self._effects, Effects()
        if effects.equity:
            await self._make_partitions(effects)
        self._hit("before")
        records, newest = await self._parts.journal.commit(effects, self._offsets, release=release, tell=self._replayed)
        self._hit("after")
        self._parts.tally.committed(effects)
        self._journalled = True
        self._offsets = {}
        self._records += records
        self._newest = newest or self._newest

    def _hit(self, when: str) -> None:
        self._parts.failpoints.hit(f"{when}_{'commit' if self._journalled else 'journal'}")

    async def _make_partitions(self, effects: Effects) -> None:
        months = {(moment.year, moment.month) for _, moment in effects.equity}
        new = months - self._parts.journal.months
        if new:
            moments = [moment for _, moment in effects.equity]
            await ensure_partitions(self._parts.conn, "equity", min(moments), max(moments))
            self._parts.journal.months |= new

    def _session_now(self, order: Order) -> int:
        return self._core.state.session(order.session).now(self._now())

    def _now(self) -> int:
        return self._parts.clock.now()
