"""Which partition a key belongs to, and which instance of a group reads it: the same answer in every process."""

from collections.abc import Collection, Iterable
from functools import lru_cache

from .base import TopicPartition

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """MurmurHash2 of ``data`` as an unsigned 32-bit number.

    Source: ``org.apache.kafka.common.utils.Utils.murmur2``.
    """
    length = len(data)
    whole = length & ~3
    state = _SEED ^ length
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        state = state * _MULTIPLIER & _MASK ^ word
    if whole < length:
        state = (state ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    state = (state ^ state >> 13) * _MULTIPLIER & _MASK
    return state ^ state >> 15


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """The partition of ``key`` among ``partitions``: Kafka's default partitioner over the UTF-8 bytes of the key."""
    if partitions < 1:
        raise ValueError(f"a topic has at least one partition, not {partitions}")
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def share_of(member: str, members: Collection[str], partitions: Iterable[TopicPartition]) -> frozenset[TopicPartition]:
    """The partitions that ``member`` reads: dealt in turn, sorted, to the sorted members, so that all members agree."""
    ranked = sorted(members)
    if member not in members:
        return frozenset()
    place = ranked.index(member)
    return frozenset(partition for index, partition in enumerate(sorted(partitions)) if index % len(ranked) == place)
