"""One live stream for all sessions whose viewers may see the same, and the reads they share.

A feed holds no rows. It counts what changed, by topic; a session looks at the counters twice a second and reads what
its page shows, and equal reads of several sessions are one. So a burst of events costs a session two reads a second,
and what is shown is always what the gateway's tables say.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, cast

from millstream.client import AsyncClient, AuthenticationError, LiveEvent, Subscription, Update
from millstream.contracts.clock import Clock
from millstream.contracts.errors import MillstreamError, RetriableError

from .gateway import Connect, Viewer, apart
from .reads import SharedReads, key_of

TOPICS = ("orders", "fills", "rejections", "portfolios", "runners", "halts", "prices", "alerts")
HEARTBEATS = "heartbeats"
_HEARTBEAT = "runner.heartbeat"
RETRY_SECONDS = 1.0
ENDING_SECONDS = 1.0
log = logging.getLogger(__name__)


class Feed:
    """The stream of one group of viewers. It lives from the first attached session to the last.

    It acts with the token of one of its sessions, and with another's when that login ends.
    """

    def __init__(self, connect: Connect, clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._tokens: dict[object, str] = {}
        self._client: AsyncClient | None = None
        self._task: asyncio.Task[None] | None = None
        self._reads = SharedReads(clock)
        self.changes: Counter[str] = Counter()
        self.live = False

    @property
    def sessions(self) -> int:
        """How many sessions look at this feed."""
        return len(self._tokens)

    def attach(self, session: object, viewer: Viewer) -> None:
        """A session opens; the first one starts the stream."""
        self._tokens[session] = viewer.token
        if self._task is None:
            self._task = apart(self._run())

    async def detach(self, session: object) -> None:
        """A session closed; the last one ends the stream."""
        self._tokens.pop(session, None)
        if not self._tokens and self._task is not None:
            # Who attaches while this one ends begins a task and a client of their own.
            task, self._task = self._task, None
            client, self._client = self._client, None
            self._reads.forget()
            await _ended(task)
            if client is not None:
                await client.close()

    async def read(self, operation: str, **arguments: Any) -> Any:
        """The answer of the client's method ``operation``, shared. Raises :class:`MillstreamError`."""
        return await self._reads.ask(key_of(operation, arguments), lambda: self._read(operation, arguments))

    async def _read(self, operation: str, arguments: dict[str, Any]) -> Any:
        while True:
            client = self._acting()
            try:
                return await getattr(client, operation)(**arguments)
            except AuthenticationError:
                await self._ended(client)

    def _acting(self) -> AsyncClient:
        """The client in use. Raises :class:`RetriableError` when no session is logged in any more."""
        if self._client is None:
            token = next(reversed(self._tokens.values()), None)
            if token is None:
                raise RetriableError("Nobody who looks at this is logged in any more", hint="Open the page again.")
            self._client = self._connect(token)
        return self._client

    async def _ended(self, client: AsyncClient) -> None:
        """The login behind ``client`` ended: its sessions lend their token no more."""
        for session in [session for session, token in self._tokens.items() if token == client.token]:
            self._tokens.pop(session)
        if self._client is client:
            await self._leave()

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _run(self) -> None:
        """Follow the stream for as long as the feed lives; the client connects again by itself."""
        while True:
            try:
                await self._follow(self._acting())
            except (MillstreamError, OSError, ValueError) as error:
                # The badge says "not live" meanwhile; what is shown still comes from reads.
                log.warning("live stream broke, next try in %s s: %s", RETRY_SECONDS, error)
            self.live = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, client: AsyncClient) -> None:
        stream = client.live([Subscription(topic=topic) for topic in TOPICS], on_link=self._linked)
        try:
            async with aclosing(cast("Any", stream)) as updates:
                async for update in updates:
                    self.note(update)
        except AuthenticationError:
            await self._ended(client)

    def _linked(self, live: bool) -> None:  # noqa: FBT001 - the client's callback
        self.live = live
        if live:
            # Whatever happened while nothing was live: every page reads again.
            self.changes.update((*TOPICS, HEARTBEATS))

    def note(self, update: Update) -> None:
        """Count a change. Heartbeats have a counter of their own: they change nothing but an age."""
        beat = isinstance(update, LiveEvent) and is_heartbeat(update.event)
        self.changes[HEARTBEATS if beat else update.topic] += 1


def is_heartbeat(event: Mapping[str, Any]) -> bool:
    """Whether a runner only says that it lives."""
    return event.get("type") == _HEARTBEAT


async def _ended(task: "asyncio.Task[None]") -> None:
    """Cancel ``task`` until it has ended: a connection that is just being made can lose a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=ENDING_SECONDS)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("live stream ended with an error: %s", error)


class Feeds:
    """The feeds of this process, by the portfolios that their viewers may see."""

    def __init__(self, connect: Connect, clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._feeds: dict[tuple[str, ...], Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    @property
    def live(self) -> int:
        """How many of them stand."""
        return sum(feed.live for feed in self._feeds.values())

    def attach(self, session: object, viewer: Viewer) -> Feed:
        """The feed of everyone who may see what ``viewer`` may see."""
        feed = self._feeds.get(viewer.sees)
        if feed is None:
            feed = self._feeds[viewer.sees] = Feed(self._connect, self._clock)
        feed.attach(session, viewer)
        return feed

    async def detach(self, session: object, feed: Feed) -> None:
        """Leave ``feed``; one without sessions is closed."""
        await feed.detach(session)
        for key in [key for key, other in self._feeds.items() if other is feed and not feed.sessions]:
            del self._feeds[key]
