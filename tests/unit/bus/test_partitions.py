import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from millstream.bus import TopicPartition, partition_of
from millstream.bus.partitions import murmur2, share_of

# org.apache.kafka.common.utils.UtilsTest.testMurmur2, there as signed 32-bit numbers.
KAFKA_VECTORS = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("data", "signed"), KAFKA_VECTORS)
def test_murmur2_equals_kafkas_own_test_vectors(data, signed):
    assert murmur2(data) == signed % 2**32


@given(st.binary(max_size=200))
def test_murmur2_equals_aiokafkas_for_any_bytes(data):
    assert murmur2(data) == aiokafka_murmur2(data)


@given(st.text(max_size=40), st.integers(1, 64))
def test_partition_of_equals_aiokafkas_default_partitioner(key, partitions):
    numbers = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key.encode(), numbers, numbers)


def test_partition_of_without_partitions_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        partition_of("key", 0)


@given(
    st.sets(st.text("abcdef0123", min_size=1, max_size=6), min_size=1, max_size=8),
    st.sets(st.integers(0, 40), max_size=20),
)
def test_share_of_deals_every_partition_to_exactly_one_member_and_evenly(members, numbers):
    partitions = [TopicPartition("topic", number) for number in numbers]
    shares = [share_of(member, members, partitions) for member in members]
    assert sorted(partition for share in shares for partition in share) == sorted(partitions)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_share_of_a_stranger_is_empty():
    assert share_of("x", {"a", "b"}, [TopicPartition("topic", 0)]) == frozenset()
