"""Up to which record of each partition everything belongs to finished slices."""

from collections import deque

from ..bus.base import TopicPartition


class OffsetTracker:
    """Remembers read records until the slice they belong to is finished.

    A restart behind the offsets of :meth:`finished` reads again exactly what later slices need.
    """

    def __init__(self, start: dict[TopicPartition, int]) -> None:
        self._done = dict(start)
        self._open: dict[TopicPartition, deque[tuple[int, int]]] = {}

    def read(self, place: TopicPartition, offset: int, ts: int = 0) -> None:
        """A record was read; ``ts`` is the close time (UTC ns) of the slice it belongs to, 0 for none."""
        waiting = self._open.setdefault(place, deque())
        if ts == 0 and not waiting:
            self._done[place] = offset
        else:
            waiting.append((offset, ts))

    def finished(self, ts: int) -> dict[TopicPartition, int]:
        """Offset of the last record of each partition before the first one of a slice after ``ts``."""
        for place, waiting in self._open.items():
            while waiting and waiting[0][1] <= ts:
                self._done[place] = waiting.popleft()[0]
        return dict(self._done)
