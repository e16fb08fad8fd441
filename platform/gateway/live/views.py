"""What a snapshot shows: the newest word on each thing, kept in memory from the database on.

Telling events and keeping the state that they lead to in one place makes a snapshot exact: it is the state behind event
``seq``, and the event after it is the first delta.
"""

from collections.abc import Hashable, Iterable
from itertools import chain

from .message import Message
from .selection import Selection
from .topics import LiveTopic, Told


class View:
    """The newest messages of a topic, at most ``limit`` in each group beside the pinned ones."""

    __slots__ = ("_groups", "_limit", "changed")

    def __init__(self, limit: int) -> None:
        self._groups: dict[str, dict[Hashable, Message]] = {}
        self._limit = limit
        self.changed = 0

    def knows(self, told: Told) -> bool:
        """Whether ``told`` is old news: this version of the thing, or a newer one, has been told."""
        known = self._newest(told)
        if known is None or known.told is None:
            return False
        same = told.content is not None and told.content == known.told.content
        return same or told.version <= known.told.version

    def differs(self, told: Told, seq: int) -> bool:
        """Whether the database's ``told`` contradicts what was told, up to ``seq``, of the same thing."""
        known = self._newest(told)
        if known is None or known.told is None:
            return not told.gone
        if known.seq > seq:
            return False
        if told.content is not None:
            return told.content != known.told.content and told.version[0] >= known.told.version[0]
        return told.version > known.told.version

    def things(self) -> list[Told]:
        """What the view tells of."""
        kept = chain.from_iterable(group.values() for group in self._groups.values())
        return [one.told for one in kept if one.told and not one.told.gone]

    def _newest(self, told: Told) -> Message | None:
        return self._groups.get(told.group, {}).get(told.key)

    def put(self, message: Message) -> None:
        """Keep an event's ``message`` as the newest word on its thing."""
        told = message.told
        if told is None:
            return
        group = self._groups.setdefault(told.group, {})
        group.pop(told.key, None)
        group[told.key] = message
        self.changed = message.seq
        if len(group) > self._limit:
            oldest = next((key for key, kept in group.items() if kept.told and not kept.told.pinned), None)
            if oldest is not None:
                del group[oldest]

    def matching(self, selection: Selection, limit: int) -> list[Message]:
        """The newest ``limit`` messages of ``selection`` and all pinned ones, in the order of their sequence."""
        found = sorted(self._of(selection), key=_seq)
        surplus = len(found) - limit
        if surplus <= 0:
            return found
        return [one for one in found[:surplus] if one.told and one.told.pinned] + found[surplus:]

    def _of(self, selection: Selection) -> Iterable[Message]:
        kept = chain.from_iterable(group.values() for group in self._groups.values())
        return (one for one in kept if one.told and not one.told.gone and selection.matches(one.told.facts))


def _seq(message: Message) -> int:
    return message.seq


# How many things a view keeps in each group: of orders, fills and rejections for each portfolio, else of all.
LIMITS: dict[LiveTopic, int] = {
    LiveTopic.ORDERS: 200,
    LiveTopic.FILLS: 200,
    LiveTopic.REJECTIONS: 100,
    LiveTopic.PORTFOLIOS: 20_000,
    LiveTopic.RUNNERS: 40_000,
    LiveTopic.HALTS: 20_000,
    LiveTopic.PRICES: 20_000,
    LiveTopic.ALERTS: 200,
}


def new_views() -> dict[LiveTopic, View]:
    """An empty view of each topic."""
    return {topic: View(limit) for topic, limit in LIMITS.items()}
