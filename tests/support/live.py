"""A hub over a clock that stands, and clients that keep what they were sent."""

from decimal import Decimal
from typing import Any

import msgspec

from millstream.contracts.api.identity import Permission, Role
from millstream.contracts.clock import ManualClock
from millstream.contracts.codec import encode
from millstream.contracts.enums import OrderState, OrderType, Side
from millstream.contracts.events import Event, OrderUpdated, Quote
from millstream.gateway.auth.access import Principal
from millstream.gateway.live.client import Client
from millstream.gateway.live.directory import Place
from millstream.gateway.live.hub import Hub
from millstream.gateway.live.message import Message
from millstream.gateway.live.protocol import CloseCode, Limits
from millstream.gateway.live.requests import answer
from millstream.gateway.live.topics import tell


def principal(user: str = "ann", *portfolios: str) -> Principal:
    """A viewer of ``portfolios``, of all when there are none."""
    return Principal(
        user=user,
        role=Role.VIEWER,
        permissions=frozenset({Permission.SELF, Permission.READ}),
        portfolios=frozenset(portfolios),
        session=f"session-{user}",
    )


class Wire:
    """Keeps what is sent; pauses by itself behind ``room`` messages."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.frames: list[bytearray] = []
        self.closed: tuple[CloseCode, str] | None = None
        self.room: int | None = None
        self.client: Client | None = None

    def send(self, message: Message) -> None:
        self.sent.append(msgspec.json.decode(message.payload))
        self.frames.append(message.frame)
        if self.room is not None:
            self.room -= 1
            if self.room <= 0 and self.client is not None:
                self.client.pause()

    def waiting(self) -> None:
        pass

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = (code, reason)


class Screen:
    """A client as a test uses it."""

    def __init__(self, hub: Hub, clock: ManualClock, who: Principal) -> None:
        self.wire = Wire()
        self._hub = hub
        self._clock = clock
        self.client = hub.attach(who, self.wire)
        self.wire.client = self.client

    def ask(self, **request: Any) -> None:
        answer(self._hub, self.client, msgspec.json.encode(request), self._clock.monotonic())

    def subscribe(self, topic: str, identity: str = "a", **options: Any) -> None:
        self.ask(op="subscribe", id=identity, topic=topic, **options)

    def got(self, op: str) -> list[dict[str, Any]]:
        return [message for message in self.wire.sent if message["op"] == op]

    @property
    def events(self) -> list[Any]:
        """The ids of the events that came as deltas."""
        return [message["event"]["event_id"] for message in self.got("event")]


class Rig:
    """A hub in which three deployments are known: ``d1`` and ``d2`` of portfolio ``p1``, ``d3`` of ``p2``."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = ManualClock(1_000_000_000)
        self.hub = Hub(self.clock, limits)
        self.hub.directory.replace({"d1": Place("p1", ""), "d2": Place("p1", ""), "d3": Place("p2", "replay-1")})
        self.hub.open()

    def screen(self, user: str = "ann", *portfolios: str) -> Screen:
        return Screen(self.hub, self.clock, principal(user, *portfolios))

    def publish(self, *events: Event) -> None:
        for event in events:
            told = tell(event, self.hub.directory)
            assert told is not None
            self.hub.publish(told, encode(event))


def order(
    name: str = "o1", version: int = 1, *, state: OrderState = OrderState.ACCEPTED, **fields: Any
) -> OrderUpdated:
    """An order of ``d1``; its event id is ``o1/1`` for version 1 of ``o1``."""
    facts: dict[str, Any] = {
        "deployment_id": "d1",
        "portfolio_id": "p1",
        "instrument": "SAMPLE:AAPL",
        **fields,
    }
    return OrderUpdated(
        event_id=f"{name}/{version}",
        occurred_at=version,
        order_id=name,
        intent_id=f"intent-{name}",
        client_order_id=f"ms{name}",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        quantity=Decimal(10),
        filled=Decimal(0),
        state=state,
        version=version,
        ts=version,
        **facts,
    )


def quote(instrument: str, sequence: int) -> Quote:
    """The ``sequence``-th quote of an instrument; its event id is ``SAMPLE:AAPL/3`` for the third."""
    return Quote(
        event_id=f"{instrument}/{sequence}",
        occurred_at=sequence,
        instrument=instrument,
        ts=sequence,
        sequence=sequence,
        bid=Decimal(99),
        ask=Decimal(101),
        bid_size=Decimal(1),
        ask_size=Decimal(1),
    )
