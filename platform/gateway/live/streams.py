"""Server-sent events: the same hub for those who cannot speak WebSocket (curl, proxies, simple pages)."""

import asyncio
from collections.abc import AsyncIterator

from ..auth.access import Principal
from .client import Client
from .hub import Hub
from .message import Message
from .protocol import CloseCode, Filter, Position, Subscribe
from .topics import LiveTopic


class Stream:
    """The wire of a client that fetches: everything waits in the client's bounded queue until it is read."""

    def __init__(self) -> None:
        self.ended: tuple[CloseCode, str] | None = None
        self._news = asyncio.Event()

    def send(self, message: Message) -> None:
        """Never called: the client is paused from the start."""
        raise AssertionError(message.name)

    def waiting(self) -> None:
        self._news.set()

    def close(self, code: CloseCode, reason: str) -> None:
        self.ended = (code, reason)
        self._news.set()

    async def news(self, seconds: float) -> bool:
        """Wait until something waits or the connection ended; false after ``seconds`` without."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


class EventStream:
    """A client of the hub whose events are read as texts of ``text/event-stream``."""

    def __init__(self, hub: Hub, principal: Principal) -> None:
        self._hub = hub
        self._stream = Stream()
        self._client: Client = hub.attach(principal, self._stream)
        self._client.pause()
        self._epoch = hub.epoch
        self._start = 0

    def follow(self, topics: list[LiveTopic], wanted: Filter, resume: Position | None) -> None:
        """Subscribe to ``topics``; a topic's name is the id of its subscription."""
        for topic in topics:
            self._hub.subscribe(self._client, Subscribe(id=topic.value, topic=topic, filter=wanted, resume=resume))
        self._start = self._hub.seq

    async def texts(self) -> AsyncIterator[bytes]:
        """Events as they come, a comment when nothing comes, and the reason at the end."""
        try:
            while True:
                while self._hub.epoch == self._epoch and (message := self._client.take()) is not None:
                    yield self._text(message)
                    self._hub.heard(self._client)
                if self._hub.epoch != self._epoch:
                    # The client comes again by itself, and gets a snapshot of the new epoch.
                    return
                if self._stream.ended is not None:
                    code, reason = self._stream.ended
                    yield b'event: close\ndata: {"op":"close","code":%d,"reason":"%b"}\n\n' % (code, reason.encode())
                    return
                if not await self._stream.news(self._hub.limits.ping_seconds):
                    yield b": ping\n\n"
                    self._hub.heard(self._client)
        finally:
            self._hub.detach(self._client)

    def _text(self, message: Message) -> bytes:
        """One event. What was missed comes topic by topic: a position in between would skip the topics behind it."""
        identity = b"id: %b:%d\n" % (self._epoch.encode(), message.seq) if message.seq > self._start else b""
        # A line end in the JSON can only stand between its tokens.
        data = message.payload.replace(b"\n", b"").replace(b"\r", b"")
        return b"%bevent: %b\ndata: %b\n\n" % (identity, message.name.encode(), data)


def parse_position(text: str) -> Position | None:
    """The position in a ``Last-Event-ID``; None for what is none, which gives a snapshot."""
    epoch, _, seq = text.partition(":")
    return Position(epoch, int(seq)) if epoch and seq.isdecimal() and len(seq) < 19 else None
