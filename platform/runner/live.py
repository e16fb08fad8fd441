"""The runtime of a promoted notebook: what ``await run(...)`` does inside a runner."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

import structlog

from ..bus.base import EventBus, StartAt, Subscription
from ..contracts.clock import Clock
from ..contracts.errors import ConflictError, FencedError, RetriableError
from ..contracts.instrument import Instrument
from ..sdk.host import HostConfig, StrategyHost
from ..sdk.recovery import Past
from ..sdk.strategy import Strategy
from .account import Account, account_partitions
from .answers import answers_to
from .database import Database
from .feed import MarketFeed, market_partitions
from .history import bars_until
from .journal import Journal
from .lease import Checkpoint, Lease, without_waiting_for_the_disk
from .offsets import OffsetTracker
from .slices import SliceLoop
from .snapshot import instruments_of, read_account, until_settled
from .spec import RunnerSpec
from .voice import RunnerVoice

FAREWELL_SECONDS = 3.0
SETTLE_SECONDS = 10.0
_log = structlog.get_logger()


class LiveRuntime:
    """Trades one deployment under its lease, until its market ends or the runner is stopped."""

    def __init__(self, spec: RunnerSpec, clock: Clock) -> None:
        self._spec = spec
        self._clock = clock

    async def trade(self, strategy: Strategy, symbols: tuple[str, ...], timeframe: str) -> object:
        """Run the live loop; returns a summary of it.

        Raises :class:`FencedError` when the lease is lost, :class:`ConflictError` when the notebook runs another market
        than it was deployed on, and what the strategy raises.
        """
        database = Database(self._spec.database_url, self._clock, "millstream-runner", without_waiting_for_the_disk)
        try:
            async with self._spec.bus(self._clock) as bus:
                return await self._trade(database, bus, strategy, symbols, timeframe)
        finally:
            await database.close()

    async def _trade(
        self, database: Database, bus: EventBus, strategy: Strategy, symbols: tuple[str, ...], timeframe: str
    ) -> object:
        spec = self._spec
        lease = Lease(database, spec.deployment_id, spec.epoch)
        checkpoint, started_ts = await lease.read()
        instruments = self._same_market(await instruments_of(database, spec.instruments), symbols, timeframe)
        voice = RunnerVoice(bus, self._clock, spec.deployment_id, spec.epoch, spec.session)
        host = StrategyHost(strategy, self._host_config(instruments), self._clock)
        async with self._subscribed(bus, checkpoint) as (account_consumer, market_consumer):
            account = await self._account(database, voice, host, checkpoint, started_ts, instruments)
            offsets = OffsetTracker(dict(checkpoint.offsets))
            loop = SliceLoop(
                host=host,
                account=account,
                lease=lease,
                voice=voice,
                offsets=offsets,
                journal=Journal(self._clock, f"{spec.deployment_id} (epoch {spec.epoch})"),
                history=lambda ts: bars_until(database, spec.instruments, spec.timeframe, spec.session, ts),
                primed=checkpoint.ts,
            )
            feed = MarketFeed(
                market_consumer,
                offsets,
                session=spec.session,
                instruments=spec.instruments,
                timeframe=spec.timeframe,
                after=checkpoint.ts,
            )
            await lease.running(str(spec.notebook))
            helpers = [
                self._beat(lease, voice, loop),
                self._ask(database, account),
                account.read_on(account_consumer),
            ]
            try:
                await _first_to_end(loop.run(feed.events()), *helpers)
            except FencedError:
                loop.abandon()
                raise
            finally:
                await self._farewell(loop)
        return loop.journal.summary

    def _same_market(
        self, instruments: tuple[Instrument, ...], symbols: Sequence[str], timeframe: str
    ) -> tuple[Instrument, ...]:
        names = {name.upper(): one for one in instruments for name in (one.symbol, one.key)}
        asked = tuple(names[symbol.upper()] for symbol in symbols if symbol.upper() in names)
        if timeframe != self._spec.timeframe or len(asked) != len(symbols) or set(asked) != set(instruments):
            raise ConflictError(
                f"the notebook runs {', '.join(symbols)} at {timeframe}, but was deployed on "
                f"{', '.join(self._spec.instruments)} at {self._spec.timeframe}",
                hint="What run() is given must depend on parameters only. Promote the notebook again.",
            )
        return asked

    def _host_config(self, instruments: tuple[Instrument, ...]) -> HostConfig:
        spec = self._spec
        return HostConfig(
            deployment_id=spec.deployment_id,
            portfolio_id=spec.portfolio_id,
            epoch=spec.epoch,
            instruments=instruments,
            timeframe=spec.timeframe,
            session=spec.session,
            intent_ttl=spec.intent_ttl,
        )

    @contextlib.asynccontextmanager
    async def _subscribed(self, bus: EventBus, checkpoint: Checkpoint) -> AsyncIterator[tuple[Any, Any]]:
        """Consumers of the account and of the market.

        They stand before the account is read from the database: what is published from then on is in that read already,
        or comes.
        """
        places = account_partitions(self._spec.portfolio_id)
        account = Subscription(
            topics=sorted({place.topic for place in places}), partitions=places, start_at=StartAt.LATEST
        )
        places = market_partitions(self._spec.instruments)
        market = Subscription(
            topics=sorted({place.topic for place in places}),
            partitions=places,
            after=checkpoint.offsets,
            start_at=StartAt.LATEST,
        )
        async with await bus.subscribe(account) as account_consumer, await bus.subscribe(market) as market_consumer:
            yield account_consumer, market_consumer

    async def _account(
        self,
        database: Database,
        voice: RunnerVoice,
        host: StrategyHost,
        checkpoint: Checkpoint,
        started_ts: int,
        instruments: tuple[Instrument, ...],
    ) -> Account:
        """The account as it stands; a restarted strategy is brought to its checkpoint first."""
        spec = self._spec
        if checkpoint.ts:
            # The market may still be waiting for this very slice: its runner ended before it could say so.
            await voice.finished(checkpoint.ts, checkpoint.intents)
            if not await until_settled(database, self._clock, checkpoint.intents, SETTLE_SECONDS):
                _log.warning("intents of the last slice are not decided yet", intents=checkpoint.intents)
        found = await read_account(database, spec.portfolio_id, spec.deployment_id, checkpoint)
        if checkpoint.ts:
            bars = await bars_until(database, spec.instruments, spec.timeframe, spec.session, checkpoint.ts)
            host.recover(
                Past(
                    bars=bars,
                    started_ts=started_ts,
                    checkpoint_ts=checkpoint.ts,
                    orders=found.orders,
                    fills=found.fills,
                    initial=found.initial,
                    ended=found.ended,
                )
            )
        for fill in found.news:
            if fill.deployment_id == spec.deployment_id:
                host.on_fill(fill)
        return Account(
            host, found.view, instruments, lambda intents: answers_to(database, intents), decided_ts=checkpoint.ts
        )

    async def _beat(self, lease: Lease, voice: RunnerVoice, loop: SliceLoop) -> None:
        while True:
            await lease.renew()
            loop.journal.show()
            try:
                await voice.heartbeat(loop.last_ts, loop.lag_ns)
            except RetriableError as error:
                _log.warning("heartbeat not published", error=str(error))
            await self._clock.sleep(self._spec.heartbeat_seconds)

    async def _ask(self, database: Database, account: Account) -> None:
        """Look for answers that did not come over the bus, once a heartbeat."""
        while True:
            await self._clock.sleep(self._spec.heartbeat_seconds)
            if account.unanswered:
                account.tell(await answers_to(database, account.unanswered))

    async def _farewell(self, loop: SliceLoop) -> None:
        """``on_stop`` and what it asks for, within a time: the runner ends whether or not the servers answer."""
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await loop.stop()
        except (TimeoutError, RetriableError) as error:
            _log.warning("ended without publishing the last requests", error=str(error) or "no answer in time")


async def _first_to_end(*works: Coroutine[Any, Any, None]) -> None:
    """Run all works until one ends or fails; the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
