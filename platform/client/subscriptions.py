"""What a client subscribes to, and what it gets: snapshots, then events, without a hole."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..contracts.errors import IntegrityError

FILTERS = ("portfolio", "deployment", "instrument", "session")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """One topic: ``orders``, ``fills``, ``rejections``, ``portfolios``, ``runners``, ``halts``, ``prices``, ``alerts``.

    The filters narrow it, empty ones do not. ``id`` names it in snapshots; without one it gets the topic's name.
    """

    topic: str
    portfolio: Sequence[str] = ()
    deployment: Sequence[str] = ()
    instrument: Sequence[str] = ()
    session: Sequence[str] = ()
    id: str = ""

    @property
    def filter(self) -> dict[str, list[str]]:
        """The filters that are given."""
        return {name: list(value) for name in FILTERS if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The present state of a subscription, as events, the newest on each thing: it replaces what was known."""

    subscription: str
    topic: str
    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something happened: ``event`` is the event as it is on the bus (times in UTC ns, decimals as texts)."""

    topic: str
    event: Mapping[str, Any]
    seq: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The server refused a subscription, with its ``code``."""

    subscription: str
    code: str
    message: str


Update = Snapshot | LiveEvent


@dataclass(slots=True)
class _Position:
    """How far one subscription got: it has every event of ``epoch`` up to ``seq``.

    ``settled`` on a connection once the server answered the subscription there; what comes later comes in order. Until
    then another subscription's events say nothing about this one's.
    """

    subscription: Subscription
    epoch: str = ""
    seq: int = 0
    settled: bool = False


@dataclass(slots=True)
class Feed:
    """The state of a live stream over all its connections. Does no I/O: frames in, updates and replies out.

    Sequence numbers are the hub's, over all topics. An event that two subscriptions ask for, or that comes again after
    a reconnection, is given once.
    """

    positions: dict[str, _Position] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, subscriptions: Iterable[Subscription]) -> "Feed":
        """A feed of these subscriptions; those without an id are named after their topic."""
        feed, counter = cls(), itertools.count(2)
        for subscription in subscriptions:
            name = subscription.id or subscription.topic
            while name in feed.positions:
                name = f"{subscription.topic}-{next(counter)}"
            feed.positions[name] = _Position(subscription)
        return feed

    def greeting(self) -> list[str]:
        """What to send on a new connection: each subscription, with the point to go on from where there is one."""
        for position in self.positions.values():
            position.settled = False
        return [json.dumps(_subscribe(name, position)) for name, position in self.positions.items()]

    def take(self, text: str | bytes) -> tuple[Update | Refused | None, str | None]:
        """An update of a frame, and what to reply; frames of a newer server that mean nothing here give neither."""
        frame = json.loads(text)
        match frame.get("op"):
            case "event":
                return self._event(frame), None
            case "snapshot":
                return self._snapshot(frame), None
            case "resumed":
                self._position(frame["id"]).settled = True
            case "ping":
                self._reached(frame["seq"])
                return None, '{"op":"pong"}'
            case "error":
                return Refused(frame.get("id", ""), frame.get("code", ""), frame.get("message", "")), None
        return None, None

    def _position(self, name: str) -> _Position:
        found = self.positions.get(name)
        if found is None:
            raise IntegrityError(
                f"the live stream answered a subscription {name} that nobody made",
                hint="Client and gateway are of different versions: update the older one.",
            )
        return found

    def _snapshot(self, frame: Mapping[str, Any]) -> Snapshot:
        position = self._position(frame["id"])
        if position.epoch and position.epoch != frame["epoch"]:
            self._new_epoch()
        position.epoch, position.seq, position.settled = frame["epoch"], frame["seq"], True
        return Snapshot(frame["id"], position.subscription.topic, tuple(frame["items"]))

    def _new_epoch(self) -> None:
        """The gateway started anew and numbers from its own beginning: no old number means anything."""
        self.seen.clear()
        for position in self.positions.values():
            position.epoch, position.seq = "", 0

    def _event(self, frame: Mapping[str, Any]) -> LiveEvent | None:
        topic, seq = frame["topic"], frame["seq"]
        known = seq in self.seen
        self.seen.add(seq)
        self._reached(seq, topic)
        return None if known else LiveEvent(topic, frame["event"], seq)

    def _reached(self, seq: int, topic: str = "") -> None:
        """Settled subscriptions (of ``topic``) have all up to ``seq``; numbers below all positions never return."""
        for position in self.positions.values():
            if position.settled and topic in {"", position.subscription.topic}:
                position.seq = max(position.seq, seq)
        if not topic:
            floor = min((position.seq for position in self.positions.values()), default=seq)
            self.seen = {one for one in self.seen if one > floor}


def _subscribe(name: str, position: _Position) -> dict[str, Any]:
    asked = position.subscription
    frame: dict[str, Any] = {"op": "subscribe", "id": name, "topic": asked.topic, "filter": asked.filter}
    if position.epoch:
        frame["resume"] = {"epoch": position.epoch, "seq": position.seq}
    return frame
