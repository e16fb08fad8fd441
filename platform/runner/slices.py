"""The live loop: market events in, decisions out, a checkpoint behind each slice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from ..contracts.events import AnyIntent, Bar, MarketEvent, Quote, SessionEnded, Trade, Watermark
from ..sdk.host import StrategyHost
from .account import Account
from .journal import Journal
from .lease import Checkpoint, Lease
from .offsets import OffsetTracker
from .priming import Priming
from .voice import RunnerVoice

History = Callable[[int], Awaitable[list[Bar]]]


class SliceLoop:
    """Drives a strategy's host over the events of its market.

    ``primed`` is the checkpoint's market time, 0 for a deployment that has not begun: then the first slice is found and
    the frame warmed up with ``history(ts)``, the stored bars that closed at or before it.

    In lock step (a watermark that names portfolio versions) a slice is decided only when the account has reached them.
    The checkpoint is stored after the intents and before ``SliceFinished``: a market in lock step does not move on
    before the latter, so a restarted runner finds everything as it was.
    """

    def __init__(
        self,
        *,
        host: StrategyHost,
        account: Account,
        lease: Lease,
        voice: RunnerVoice,
        offsets: OffsetTracker,
        journal: Journal,
        history: History,
        primed: int,
    ) -> None:
        self.journal = journal
        self.last_ts = primed
        self.lag_ns = 0
        self._host = host
        self._account = account
        self._lease = lease
        self._voice = voice
        self._offsets = offsets
        self._history = history
        self._priming = None if primed else Priming(self._keys)
        self._first = not primed
        self._after: dict[int, dict[str, int]] = {}
        self._ended: set[str] = set()
        self._failed = False

    @property
    def _keys(self) -> list[str]:
        return [instrument.key for instrument in self._host.config.instruments]

    async def run(self, events: AsyncIterator[MarketEvent]) -> None:
        """Until the session of every instrument has ended. Raises what the strategy raises."""
        self.journal.begin()
        try:
            async for event in events:
                for ready in await self._primed(event):
                    await self._handle(ready)
                if self._ended.issuperset(self._keys):
                    return
        except asyncio.CancelledError:
            raise
        except BaseException:
            self.abandon()
            raise
        finally:
            self.journal.show()

    def abandon(self) -> None:
        """From now on nothing may be asked of the strategy any more."""
        self._failed = True

    async def stop(self) -> None:
        """Tell the strategy that it ends and publish its requests; one that failed is not trusted with that."""
        if not self._failed and self._priming is None:
            await self._voice.intents(self._host.stop(self.last_ts, self._account.view))
        self.journal.show()

    async def _primed(self, event: MarketEvent) -> Iterable[MarketEvent]:
        if self._priming is None:
            return (event,)
        first = self._priming.add(event)
        if not first:
            return ()
        warm_up, ready = self._priming.split(first, await self._history(first))
        self._priming = None
        self._host.preload(warm_up)
        return ready

    async def _handle(self, event: MarketEvent) -> None:
        match event:
            case Bar():
                self._host.on_bar(event)
            case Watermark():
                self._note_versions(event)
                for ts in self._host.on_watermark(event.ts, event.instrument):
                    await self._slice(ts, event.occurred_at)
            case Quote():
                await self._send(self._host.on_quote(event, self._account.view))
            case Trade():
                await self._send(self._host.on_trade(event, self._account.view))
            case SessionEnded():
                self._ended.add(event.instrument)
            case _:
                pass

    async def _slice(self, ts: int, published: int) -> None:
        view = self._account.view
        versions = self._after.pop(ts, {})
        if versions:
            await self._account.reach(versions.get(view.portfolio_id, 0))
        intents = self._host.decide(ts, view)
        await self._send(intents)
        self._account.decided(ts)
        ids = tuple(intent.intent_id for intent in intents)
        checkpoint = Checkpoint(ts=ts, offsets=self._offsets.finished(ts), intents=ids, portfolio_version=view.version)
        shown = self._host.shown()
        await self._lease.keep(checkpoint, first=self._first, shown=shown)
        self._first = False
        self.last_ts = ts
        await self._voice.indicators(ts, self._host.config.timeframe, shown)
        await self._voice.finished(ts, ids)
        self.journal.slice(ts, intents)
        self.lag_ns = max(0, self.journal.now - published)

    async def _send(self, intents: list[AnyIntent]) -> None:
        if intents:
            self._account.sent(intents)
            await self._voice.intents(intents)

    def _note_versions(self, watermark: Watermark) -> None:
        versions = self._after.setdefault(watermark.ts, {})
        for portfolio, version in watermark.after.items():
            versions[portfolio] = max(version, versions.get(portfolio, 0))
