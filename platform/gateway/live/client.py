"""One client: what it may see, what it follows, and what waits for it while it reads slowly."""

from collections import deque
from collections.abc import Hashable
from typing import Protocol

from ..auth.access import Principal
from .message import Message
from .protocol import CloseCode, Limits
from .selection import Selection
from .topics import LiveTopic


class Wire(Protocol):
    """How messages leave to one client."""

    def send(self, message: Message) -> None:
        """Hand ``message`` to the network; calls ``Client.pause`` when it takes no more for now."""
        ...

    def waiting(self) -> None:
        """Something was queued while the client was paused."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Say why, and end the connection."""
        ...


class Client:
    """A connection that may subscribe.

    Messages go straight to the wire until it pauses; then they are queued. Prices are conflated there: of each
    instrument and kind only the newest waits. Nothing else is dropped: :attr:`overflowed` says that the queue is beyond
    its bounds, and the hub then ends the connection.
    """

    __slots__ = (
        "_limits",
        "_prices",
        "_queue",
        "_queued_bytes",
        "allowance",
        "asked_at",
        "heard_at",
        "number",
        "paused",
        "principal",
        "sent",
        "subscriptions",
        "wire",
    )

    def __init__(self, number: int, principal: Principal, wire: Wire, limits: Limits, now: int) -> None:
        self.number = number
        self.principal = principal
        self.wire = wire
        self.subscriptions: dict[str, Selection] = {}
        self.heard_at = now
        self.asked_at = now
        self.allowance = float(limits.requests_burst)
        self.paused = False
        self.sent = 0
        self._limits = limits
        self._queue: deque[Message] | None = None
        self._prices: dict[Hashable, Message] | None = None
        self._queued_bytes = 0

    def deliver(self, message: Message) -> bool:
        """Send or queue an event, once however many subscriptions it belongs to. False: the queue overflowed."""
        if message.seq == self.sent:
            return True
        self.sent = message.seq
        if self.paused:
            return self._wait(message)
        self.wire.send(message)
        return True

    def put(self, message: Message) -> bool:
        """Send or queue an answer. False: the queue overflowed."""
        if self.paused:
            return self._wait(message)
        self.wire.send(message)
        return True

    def pause(self) -> None:
        """The wire takes no more: what comes now is queued."""
        self.paused = True

    def resume(self) -> None:
        """The wire takes messages again: send what waits until it pauses."""
        self.paused = False
        while not self.paused and (message := self.take()) is not None:
            self.wire.send(message)

    def take(self) -> Message | None:
        """The next waiting message in order of sequence; None when nothing waits."""
        queue, prices = self._queue, self._prices
        key = next(iter(prices), None) if prices else None
        if prices and (not queue or prices[key].seq < queue[0].seq):
            return prices.pop(key)
        if not queue:
            self._queue = self._prices = None
            return None
        message = queue.popleft()
        self._queued_bytes -= len(message.frame)
        return message

    @property
    def queued(self) -> int:
        """Messages that wait."""
        return len(self._queue or ()) + len(self._prices or ())

    def _wait(self, message: Message) -> bool:
        if message.told is not None and message.told.topic is LiveTopic.PRICES:
            if self._prices is None:
                self._prices = {}
            self._prices.pop(message.told.key, None)
            self._prices[message.told.key] = message
        else:
            if self._queue is None:
                self._queue = deque()
            self._queue.append(message)
            self._queued_bytes += len(message.frame)
        self.wire.waiting()
        return self.queued <= self._limits.queue_messages and self._queued_bytes <= self._limits.queue_bytes
