"""What clients send, and the codes with which they are told no. ``docs/live-events.md`` describes it for people."""

from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

from ...contracts.errors import InputError
from .topics import LiveTopic

MAX_VALUES = 200


class CloseCode(IntEnum):
    """Why the server ends a connection."""

    GOING_AWAY = 1001
    UNSUPPORTED = 1003
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    TOO_SLOW = 4408
    LIMIT = 4429


class Code(StrEnum):
    """Why one request of a client is refused; the connection goes on."""

    INVALID = "INVALID"
    TAKEN = "TAKEN"
    UNKNOWN = "UNKNOWN"
    NOT_FOUND = "NOT_FOUND"


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events: a list that is not empty restricts to its values, several lists restrict together."""

    portfolio: frozenset[str] = frozenset()
    deployment: frozenset[str] = frozenset()
    instrument: frozenset[str] = frozenset()
    session: frozenset[str] = frozenset()


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a client got: the last sequence number it saw, in the epoch that numbered it."""

    epoch: str
    seq: int


class Subscribe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op", tag="subscribe"):
    """Follow a topic. ``id`` is the client's own name of the subscription; ``resume`` asks for what it missed."""

    id: str
    topic: LiveTopic
    filter: Filter = Filter()
    resume: Position | None = None


class Unsubscribe(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op", tag="unsubscribe"
):
    """End a subscription."""

    id: str


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag="pong"):
    """A client's sign of life."""


Request = Subscribe | Unsubscribe | Pong
_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


def parse(payload: bytes) -> Request:
    """A client's request. Raises :class:`InputError` for what is none."""
    try:
        request = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"This is not a request: {error}", hint="See docs/live-events.md for the requests.") from error
    if isinstance(request, Subscribe):
        _check(request)
    return request


def _check(request: Subscribe) -> None:
    if not 0 < len(request.id) <= 64:
        raise InputError("The id of a subscription has 1 to 64 characters.", hint="Name it, for example, orders-1.")
    for name in Filter.__struct_fields__:
        if len(getattr(request.filter, name)) > MAX_VALUES:
            raise InputError(
                f"A filter lists at most {MAX_VALUES} values of {name}.",
                hint="Follow all and drop what is not needed, or use several subscriptions.",
            )


class Limits(NamedTuple):
    """Bounds of what clients may use, and times in seconds.

    A queue counts what waits for a client that reads slowly; ``queue_bytes`` are of messages shared by all of them.
    """

    connections_per_user: int = 200
    subscriptions_per_user: int = 2_000
    subscriptions_per_connection: int = 64
    requests_per_second: float = 20.0
    requests_burst: int = 100
    queue_messages: int = 5_000
    queue_bytes: int = 8 * 1024 * 1024
    snapshot_items: int = 500
    snapshot_seconds: float = 0.5
    ring_messages: int = 10_000
    ring_bytes: int = 8 * 1024 * 1024
    ping_seconds: int = 15
    silence_seconds: float = 45.0
    standing_seconds: float = 2.0
    unchecked_seconds: float = 60.0
    closing_seconds: float = 5.0
