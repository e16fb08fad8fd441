import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.bus import TopicPartition
from millstream.bus.redis_keys import Keys, id_of, offset_of
from millstream.contracts.errors import IntegrityError

YEAR_2248 = 8_773_000_000_000
ids = st.tuples(st.integers(0, YEAR_2248), st.integers(0, 2**20 - 1))


@given(ids)
def test_an_offset_leads_back_to_its_stream_id(parts):
    stream_id = b"%d-%d" % parts
    assert id_of(offset_of(stream_id)) == stream_id


@given(ids, ids)
def test_offsets_have_the_order_of_the_stream_ids_and_fit_a_bigint(one, other):
    first, second = offset_of(b"%d-%d" % one), offset_of(b"%d-%d" % other)
    assert (first < second) == (one < other)
    assert max(first, second) < 2**63


def test_a_sequence_beyond_the_bound_is_an_error():
    with pytest.raises(IntegrityError, match="sequence"):
        offset_of(b"1700000000000-1048576")


def test_nothing_read_yet_is_the_id_before_the_first_entry():
    assert id_of(-1) == b"0-0"


def test_every_key_starts_with_the_namespace():
    keys = Keys("n.")
    assert keys.stream(TopicPartition("orders.fills", 3)) == b"n.orders.fills:3"
    assert keys.topics == b"n.bus:topics"
    assert keys.group("g", "members") == b"n.bus:group:g:members"
