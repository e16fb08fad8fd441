"""The recent events of a topic, for those who come back after a lost connection."""

from collections import deque

from .message import Message


class Ring:
    """At most ``count`` messages and ``size`` bytes; what is older is forgotten."""

    __slots__ = ("_bytes", "_count", "_floor", "_kept", "_size")

    def __init__(self, count: int, size: int, floor: int = 0) -> None:
        self._count = count
        self._size = size
        self._kept: deque[Message] = deque()
        self._bytes = 0
        self._floor = floor

    def append(self, message: Message) -> None:
        self._kept.append(message)
        self._bytes += len(message.frame)
        while len(self._kept) > self._count or self._bytes > self._size:
            oldest = self._kept.popleft()
            self._bytes -= len(oldest.frame)
            self._floor = oldest.seq

    def reaches(self, seq: int) -> bool:
        """Whether every event after ``seq`` is still here."""
        return seq >= self._floor

    def after(self, seq: int) -> list[Message]:
        """The events after ``seq``, the oldest first; call it where :meth:`reaches` holds."""
        found: list[Message] = []
        for message in reversed(self._kept):
            if message.seq <= seq:
                break
            found.append(message)
        found.reverse()
        return found
