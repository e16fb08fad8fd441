"""Names of the bus's keys in Redis, and the offsets that stand for its stream ids."""

from ..contracts.errors import IntegrityError
from .base import TopicPartition

SEQUENCE_BITS = 20
"""An offset is ``milliseconds << 20 | sequence``: below 2**63 until the year 2248, as long as one stream takes fewer
than 2**20 entries within one millisecond (or while its server's clock stands still)."""

_SEQUENCES = 1 << SEQUENCE_BITS


def offset_of(stream_id: bytes) -> int:
    """The offset that stands for a stream id. Raises :class:`IntegrityError` beyond the bound of ``SEQUENCE_BITS``."""
    milliseconds, _, sequence = stream_id.partition(b"-")
    number = int(sequence)
    if number >= _SEQUENCES:
        raise IntegrityError(
            f"Stream id {stream_id.decode()} has a sequence of 2**{SEQUENCE_BITS} or more.",
            hint="The clock of the Redis server went back: set it right, then trim the stream.",
        )
    return int(milliseconds) << SEQUENCE_BITS | number


def id_of(offset: int) -> bytes:
    """The stream id that ``offset`` stands for; -1, nothing read yet, is ``0-0``."""
    if offset < 0:
        return b"0-0"
    return b"%d-%d" % (offset >> SEQUENCE_BITS, offset & _SEQUENCES - 1)


class Keys:
    """Every key starts with the namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.topics = f"{namespace}bus:topics".encode()

    def stream(self, partition: TopicPartition) -> bytes:
        return f"{self._namespace}{partition.topic}:{partition.partition}".encode()

    def group(self, group: str, part: str) -> bytes:
        return f"{self._namespace}bus:group:{group}:{part}".encode()


def field_of(partition: TopicPartition) -> str:
    """How a partition is written in the hashes of a group."""
    return f"{partition.topic}:{partition.partition}"
