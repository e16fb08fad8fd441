"""What every message carries."""

import msgspec

SCHEMA_VERSION = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all messages: immutable, tagged by ``type``, JSON on the wire.

    ``event_id`` identifies the event for deduplication; ``occurred_at`` is the wall time at its producer in UTC
    nanoseconds; ``trace_id`` joins everything that followed from one cause.
    """

    event_id: str
    occurred_at: int
    trace_id: str = ""
    schema_version: int = SCHEMA_VERSION
