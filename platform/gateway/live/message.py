"""Messages: one serialisation of an event for all who receive it."""

from collections.abc import Sequence

import msgspec

from .topics import LiveTopic, Told

# Room that the WebSocket server needs before a message, for the header of its frame.
HEADROOM = 14
_ROOM = bytes(HEADROOM)
_encode = msgspec.json.encode


class Message:
    """A text for clients. ``frame`` is the JSON behind ``HEADROOM`` bytes; it is shared by all and never changed.

    ``told`` is None for what is not an event; ``start`` is where the bytes of the bus begin in an event's frame.
    """

    __slots__ = ("frame", "name", "seq", "start", "told")

    def __init__(self, seq: int, name: str, frame: bytearray, told: Told | None = None, start: int = 0) -> None:
        self.seq = seq
        self.name = name
        self.frame = frame
        self.told = told
        self.start = start

    @property
    def payload(self) -> bytes:
        """The JSON text."""
        return bytes(memoryview(self.frame)[HEADROOM:])

    @property
    def event(self) -> bytes:
        """The JSON of the event alone, as it was on the bus."""
        return bytes(memoryview(self.frame)[self.start : -1])


def event_message(seq: int, told: Told, raw: bytes) -> Message:
    """The delta that tells of an event; ``raw`` is its JSON."""
    head = b'%b{"op":"event","seq":%d,"topic":"%b","event":' % (_ROOM, seq, told.topic.encode())
    frame = bytearray(head)
    frame += raw
    frame += b"}"
    return Message(seq, told.topic.value, frame, told, len(head))


def snapshot_items(messages: Sequence[Message]) -> bytes:
    """A JSON list of the events, shared by the snapshots of one selection."""
    return b"[" + b",".join(message.event for message in messages) + b"]"


def snapshot_message(identity: str, topic: LiveTopic, epoch: str, seq: int, items: bytes) -> Message:
    """The whole state that a subscription follows, at ``seq``."""
    head = _encode({"op": "snapshot", "id": identity, "topic": topic.value, "epoch": epoch, "seq": seq})
    frame = bytearray(_ROOM)
    frame += head[:-1]
    frame += b',"items":'
    frame += items
    frame += b"}"
    return Message(seq, "snapshot", frame)


def plain_message(at: int, **fields: object) -> Message:
    """Any other message of the server, at sequence number ``at``; ``op`` names it."""
    return Message(at, str(fields["op"]), bytearray(_ROOM + _encode(fields)))
