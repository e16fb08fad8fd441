"""``attach``: a deployment live in a cell, until it is interrupted."""

import time
from argparse import Namespace
from collections import deque
from collections.abc import Iterable, Mapping
from queue import Empty, SimpleQueue
from typing import Any

from millstream.client import LiveEvent, Snapshot, Subscription, Update
from millstream.contracts.time import to_datetime

from . import tables
from .formats import Kind
from .selecting import all_of
from .session import Session
from .views import Column, Note, Stack, Table, View

TOPICS = ("orders", "fills", "rejections", "runners", "halts")
SHOWN = 12
PAUSE = 0.5


def attach(ms: Session, given: Namespace) -> None:
    """Show a deployment and what happens to it, as it happens."""
    picture = Picture(ms, ms.client.get_deployment(given.name).deployment)
    shown = ms.display(picture.view())
    updates: SimpleQueue[Update | bool] = SimpleQueue()
    subscriptions = [Subscription(topic=topic, deployment=[picture.deployment]) for topic in TOPICS]
    end = None if given.seconds is None else time.monotonic() + given.seconds
    with ms.client.watch(updates.put, subscriptions, on_link=updates.put) as watch:
        try:
            while watch.is_running and (end is None or time.monotonic() < end):
                picture.take(_waiting(updates))
                shown.replace(picture.view())
        except KeyboardInterrupt:
            ms.show(Note("detached", f": {picture.deployment} runs on; %ms stop {picture.deployment} ends it"))


def _waiting(updates: "SimpleQueue[Update | bool]") -> list[Update | bool]:
    """What came within ``PAUSE`` seconds: a cell is drawn at most so often, however much happens."""
    found: list[Update | bool] = []
    end = time.monotonic() + PAUSE
    while (left := end - time.monotonic()) > 0:
        try:
            found.append(updates.get(timeout=left))
        except Empty:
            break
    return found


class Picture:
    """What the cell shows of one deployment: its state and money, its positions, and the newest events."""

    def __init__(self, ms: Session, deployment: str) -> None:
        self.deployment = deployment
        self._ms = ms
        self._linked = False
        self._events: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=SHOWN)

    def take(self, updates: Iterable[Update | bool]) -> None:
        """Note what came; a snapshot replaces what was known of its topic."""
        for update in updates:
            match update:
                case bool():
                    self._linked = update
                case Snapshot():
                    kept = [one for one in self._events if one[0] != update.topic]
                    told = [(update.topic, item) for item in update.items if _tells(item)]
                    self._events = deque(sorted([*kept, *told], key=_occurred)[-SHOWN:], maxlen=SHOWN)
                case LiveEvent() if _tells(update.event):
                    self._events.append((update.topic, update.event))

    def view(self) -> View:
        """The picture now; state and money are the gateway's, asked anew (an answer that stayed costs nothing)."""
        found = self._ms.client.get_deployment(self.deployment)
        held = all_of(self._ms, "list_positions", deployment=self.deployment)
        link = Note("live", "; interrupt the cell to end", "good") if self._linked else Note("connecting …")
        return Stack([link, tables.deployments([found]), tables.positions(held), _events(list(self._events)[::-1])])


def _tells(event: Mapping[str, Any]) -> bool:
    return event.get("type") != "runner.heartbeat"


def _occurred(one: tuple[str, Mapping[str, Any]]) -> int:
    return int(one[1].get("occurred_at", 0))


def _events(rows: list[tuple[str, Mapping[str, Any]]]) -> Table:
    columns = (
        Column("market time (UTC)", lambda row: _time(row[1])),
        Column("what", lambda row: row[0].removesuffix("s")),
        Column("instrument", lambda row: row[1].get("instrument")),
        Column("side", lambda row: row[1].get("side")),
        Column("quantity", lambda row: _number(row[1].get("quantity")), Kind.NUMBER),
        Column("price", lambda row: _number(row[1].get("price") or row[1].get("average_price")), Kind.PRICE),
        Column("state", lambda row: row[1].get("state") or row[1].get("code"), Kind.STATE),
        Column("message", lambda row: row[1].get("message") or row[1].get("reason")),
    )
    return Table("What happened", columns, rows, "nothing yet")


def _time(event: Mapping[str, Any]) -> Any:
    moment = event.get("ts") or event.get("occurred_at")
    return to_datetime(int(moment)) if moment else None


def _number(value: Any) -> Any:
    from decimal import Decimal

    return None if value is None else Decimal(str(value))
