"""Encoding and decoding of events."""

import json

import pytest

from millstream.contracts import codec
from millstream.contracts.errors import UndecodableMessageError
from millstream.contracts.events import SliceFinished


def slice_finished(**fields: object) -> bytes:
    event = SliceFinished(event_id="e", occurred_at=1, deployment_id="d", epoch=1, ts=2)
    return json.dumps({**json.loads(codec.encode(event)), **fields}).encode()


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff\xfe", b'{"type":"order.intent"}', b"[]", slice_finished(ts="soon")]
)
def test_bytes_that_are_no_event_of_the_topic_are_refused(payload: bytes) -> None:
    with pytest.raises(UndecodableMessageError, match=r"runner\.events"):
        codec.decode("runner.events", payload)


def test_newer_schema_version_is_refused() -> None:
    with pytest.raises(UndecodableMessageError, match="newer"):
        codec.decode("runner.events", slice_finished(schema_version=99))


def test_unknown_field_of_a_compatible_newer_producer_is_ignored() -> None:
    assert codec.decode("runner.events", slice_finished(later="x")) == codec.decode("runner.events", slice_finished())


def test_event_of_another_topic_is_refused() -> None:
    with pytest.raises(UndecodableMessageError):
        codec.decode("alerts", slice_finished())
