"""The hub: numbers what happens, keeps what snapshots and returning clients need, and tells each whom it concerns.

It runs in one event loop and awaits nothing, so each of its methods is one step: a snapshot taken between two events is
exactly the state between them.
"""

import structlog

from ...contracts.clock import Clock
from ...contracts.errors import InputError
from ...contracts.ids import random_id
from ..auth.access import Principal
from .client import Client, Wire
from .directory import Directory
from .message import Message, event_message, plain_message, snapshot_items, snapshot_message
from .protocol import CloseCode, Code, Filter, Limits, Position, Subscribe
from .ring import Ring
from .selection import Index, Selection, Wanted, wanted_of
from .topics import DIMENSIONS, Facts, LiveTopic, Told
from .views import View, new_views

_SECOND = 1_000_000_000
# What a user uses, in the order of ``Hub._used``.
_CONNECTIONS, _SUBSCRIPTIONS = 0, 1
_log = structlog.get_logger()


class RefusedError(InputError):
    """A user has as many connections or subscriptions as one may have."""


class Hub:
    """All clients of the live events. ``epoch`` names the sequence that :attr:`seq` counts in."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.directory = Directory()
        self.clients: dict[int, Client] = {}
        self.delivered = 0
        self.dropped = 0
        self.port = 0
        self._clock = clock
        self._number = 0
        self._index = {topic: Index() for topic in LiveTopic}
        self._used: dict[str, list[int]] = {}
        self._start()

    @property
    def seq(self) -> int:
        """The number of the newest event."""
        return self._seq

    def _start(self) -> None:
        self.epoch = random_id()[:16]
        self._seq = 0
        self._views: dict[LiveTopic, View] = new_views()
        self._rings: dict[LiveTopic, Ring] = {}

    def clear(self) -> None:
        """Forget everything told and begin a new epoch: what is seeded next is the state that snapshots show."""
        self._start()

    def seed(self, told: Told, raw: bytes) -> None:
        """Take over a thing from the database, the oldest first; nobody is told."""
        self._seq += 1
        self._views[told.topic].put(event_message(self._seq, told, raw))

    def open(self) -> None:
        """What was seeded is complete: events may follow, and those who were subscribed get the new snapshots."""
        limits = self.limits
        self._rings = {topic: Ring(limits.ring_messages, limits.ring_bytes, self._seq) for topic in LiveTopic}
        for index in self._index.values():
            for selection in index:
                selection.items_seq = -1
        for client in list(self.clients.values()):
            client.sent = 0
            for identity, selection in list(client.subscriptions.items()):
                self._snapshot(client, identity, selection, [])

    def things(self, topic: LiveTopic) -> list[Told]:
        """What is known of a topic."""
        return self._views[topic].things()

    def differs(self, told: Told, seq: int) -> bool:
        """Whether ``told``, read from the database, contradicts what was told of the same thing up to ``seq``."""
        return self._views[told.topic].differs(told, seq)

    def publish(self, told: Told, raw: bytes, *, correction: bool = False) -> int:
        """Tell an event to all whom it concerns, unless it is old news; how many that were.

        A ``correction`` comes from the database and counts whatever was told of the thing before.
        """
        view = self._views[told.topic]
        if not correction and view.knows(told):
            return 0
        self._seq += 1
        message = event_message(self._seq, told, raw)
        view.put(message)
        self._rings[told.topic].append(message)
        reached = 0
        for selection in self._index[told.topic].concerned(told.facts):
            reached += len(selection.members)
            slow = [client for client in selection.members if not client.deliver(message)]
            for client in slow:
                self._too_slow(client)
        self.delivered += reached
        return reached

    def attach(self, principal: Principal, wire: Wire) -> Client:
        """A new client. Raises :class:`RefusedError` when its user has too many."""
        used = self._used.setdefault(principal.user, [0, 0])
        if used[_CONNECTIONS] >= self.limits.connections_per_user:
            raise RefusedError(
                f"{principal.user} has {used[_CONNECTIONS]} live connections.",
                hint="Close a screen, or wait until one has ended.",
            )
        used[_CONNECTIONS] += 1
        self._number += 1
        client = Client(self._number, principal, wire, self.limits, self._clock.monotonic())
        self.clients[client.number] = client
        return client

    def detach(self, client: Client) -> None:
        """Forget a client whose connection ended; harmless when it is forgotten already."""
        if self.clients.pop(client.number, None) is None:
            return
        for identity in list(client.subscriptions):
            self.unsubscribe(client, identity)
        used = self._used[client.principal.user]
        used[_CONNECTIONS] -= 1
        if not used[_CONNECTIONS]:
            del self._used[client.principal.user]

    def end(self, client: Client, code: CloseCode, reason: str) -> None:
        """End a client's connection and say why."""
        if client.number in self.clients:
            self.detach(client)
            client.wire.close(code, reason)

    def subscribe(self, client: Client, request: Subscribe) -> None:
        """Follow a topic: answers with what was missed, a snapshot or an error, and goes on with each event."""
        if request.id in client.subscriptions:
            self.answer_error(
                client, request.id, Code.TAKEN, "This id names a subscription already: unsubscribe first."
            )
            return
        if self._beyond_limits(client):
            self.end(client, CloseCode.LIMIT, "too many subscriptions")
            return
        wanted = _permitted(request.topic, request.filter, client.principal)
        if wanted is None:
            self.answer_error(client, request.id, Code.NOT_FOUND, "None of these portfolios exists.")
            return
        selection = self._index[request.topic].join(request.topic, wanted, client)
        others = [one for one in client.subscriptions.values() if one.topic is request.topic]
        client.subscriptions[request.id] = selection
        self._used[client.principal.user][_SUBSCRIPTIONS] += 1
        if request.resume is None or not self._resume(client, request.id, selection, request.resume, others):
            self._snapshot(client, request.id, selection, others)

    def unsubscribe(self, client: Client, identity: str) -> None:
        """End a subscription; the client gets none of its events any more."""
        selection = client.subscriptions.pop(identity, None)
        if selection is None:
            return
        self._used[client.principal.user][_SUBSCRIPTIONS] -= 1
        if selection not in client.subscriptions.values():
            self._index[selection.topic].leave(selection, client)

    def answer_error(self, client: Client, identity: str, code: Code, message: str) -> None:
        """Say that a request is refused."""
        self._put(client, plain_message(self._seq, op="error", id=identity, code=code.value, message=message))

    def heard(self, client: Client) -> None:
        """``client`` gave a sign of life."""
        client.heard_at = self._clock.monotonic()

    def ping(self, clients: list[Client]) -> None:
        """Ask ``clients`` for a sign of life, one message for all; who does not take messages now is not asked."""
        message = plain_message(self._seq, op="ping", seq=self._seq)
        for client in clients:
            if not client.paused:
                client.put(message)

    def _beyond_limits(self, client: Client) -> bool:
        if len(client.subscriptions) >= self.limits.subscriptions_per_connection:
            return True
        return self._used[client.principal.user][_SUBSCRIPTIONS] >= self.limits.subscriptions_per_user

    def _resume(
        self, client: Client, identity: str, selection: Selection, position: Position, others: list[Selection]
    ) -> bool:
        """Send what was missed; False when that is not known any more."""
        ring = self._rings[selection.topic]
        if position.epoch != self.epoch or not ring.reaches(position.seq) or position.seq > self._seq:
            return False
        self._send_missed(client, selection, position.seq, others)
        done = plain_message(
            self._seq, op="resumed", id=identity, topic=selection.topic.value, epoch=self.epoch, seq=self._seq
        )
        self._put(client, done)
        return True

    def _snapshot(self, client: Client, identity: str, selection: Selection, others: list[Selection]) -> None:
        """Send the state at a moment, and what has happened since where that moment is a little ago."""
        view = self._views[selection.topic]
        now = self._clock.monotonic()
        if view.changed <= selection.items_seq:
            selection.items_seq = self._seq
        elif not self._recent(selection, now):
            selection.items = snapshot_items(view.matching(selection, self.limits.snapshot_items))
            selection.items_seq, selection.items_at = self._seq, now
        at = selection.items_seq
        self._put(client, snapshot_message(identity, selection.topic, self.epoch, at, selection.items))
        self._send_missed(client, selection, at, others)

    def _recent(self, selection: Selection, now: int) -> bool:
        """Whether the snapshot that another client got serves once more, with the events since."""
        made = selection.items_seq
        young = now - selection.items_at < self.limits.snapshot_seconds * _SECOND
        return made >= 0 and young and self._rings[selection.topic].reaches(made)

    def _send_missed(self, client: Client, selection: Selection, seq: int, others: list[Selection]) -> None:
        """The events after ``seq``. One that another subscription covers has reached the client: not twice."""
        for message in self._rings[selection.topic].after(seq):
            facts = message.told.facts if message.told else Facts()
            if selection.matches(facts) and not any(other.matches(facts) for other in others):
                self._put(client, message)

    def _put(self, client: Client, message: Message) -> None:
        if not client.put(message):
            self._too_slow(client)

    def _too_slow(self, client: Client) -> None:
        if client.number in self.clients:
            self.dropped += 1
            _log.warning("live client is too slow", user=client.principal.user, queued=client.queued)
            self.end(client, CloseCode.TOO_SLOW, "too slow")


def _permitted(topic: LiveTopic, wanted: Filter, principal: Principal) -> Wanted | None:
    """What a filter lets pass of what ``principal`` may see; None when that is nothing at all."""
    dimensions = DIMENSIONS[topic]
    values = [getattr(wanted, name) if name in dimensions else frozenset() for name in Facts._fields]
    if principal.portfolios and "portfolio" in dimensions:
        asked = values[0] or principal.portfolios
        values[0] = asked & principal.portfolios
        if not values[0]:
            return None
    return wanted_of(values)
