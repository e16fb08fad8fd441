"""Selections: what a subscription picks out of a topic. Equal ones are shared by all their clients."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .topics import Facts, LiveTopic

if TYPE_CHECKING:
    from .client import Client

Wanted = tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]
# The dimension by which a selection is found first: the one that divides events best.
_ANCHORS = (1, 0, 2, 3)


class Selection:
    """``wanted`` holds, by dimension of :class:`Facts`, the values that pass; empty: all. ``members`` receive it."""

    __slots__ = ("_demands", "items", "items_at", "items_seq", "members", "topic", "wanted")

    def __init__(self, topic: LiveTopic, wanted: Wanted) -> None:
        self.topic = topic
        self.wanted = wanted
        self.members: dict[Client, None] = {}
        self._demands = tuple((number, values) for number, values in enumerate(wanted) if values)
        self.items = b""
        self.items_seq = -1
        self.items_at = 0

    def matches(self, facts: Facts) -> bool:
        """Whether an event about ``facts`` passes."""
        for number, values in self._demands:
            about = facts[number]
            if about is not None and values.isdisjoint(about):
                return False
        return True

    @property
    def anchors(self) -> list[tuple[int, str]]:
        """Where an index finds this selection; empty when every event is a candidate."""
        for number in _ANCHORS:
            if self.wanted[number]:
                return [(number, value) for value in self.wanted[number]]
        return []


class Index:
    """Finds the selections of one topic that an event concerns, in time proportional to their number."""

    __slots__ = ("_anchored", "_open", "_selections")

    def __init__(self) -> None:
        self._selections: dict[Wanted, Selection] = {}
        self._open: dict[Selection, None] = {}
        self._anchored: tuple[dict[str, dict[Selection, None]], ...] = ({}, {}, {}, {})

    def __iter__(self) -> Iterator[Selection]:
        return iter(self._selections.values())

    def join(self, topic: LiveTopic, wanted: Wanted, client: "Client") -> Selection:
        """Make ``client`` a member of the selection of ``wanted``."""
        selection = self._selections.get(wanted)
        if selection is None:
            selection = self._selections[wanted] = Selection(topic, wanted)
            for number, value in selection.anchors:
                self._anchored[number].setdefault(value, {})[selection] = None
            if not selection.anchors:
                self._open[selection] = None
        selection.members[client] = None
        return selection

    def leave(self, selection: Selection, client: "Client") -> None:
        """End a membership; a selection without members is forgotten."""
        selection.members.pop(client, None)
        if selection.members:
            return
        del self._selections[selection.wanted]
        self._open.pop(selection, None)
        for number, value in selection.anchors:
            bucket = self._anchored[number][value]
            del bucket[selection]
            if not bucket:
                del self._anchored[number][value]

    def concerned(self, facts: Facts) -> list[Selection]:
        """The selections that an event about ``facts`` passes."""
        found = dict(self._open)
        for buckets, about in zip(self._anchored, facts, strict=True):
            if buckets:
                for value in buckets if about is None else about:
                    found.update(buckets.get(value, {}))
        return [selection for selection in found if selection.matches(facts)]


def wanted_of(values: Iterable[Iterable[str]]) -> Wanted:
    """The four dimensions as sets."""
    portfolio, deployment, instrument, session = map(frozenset, values)
    return portfolio, deployment, instrument, session
