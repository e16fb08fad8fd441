"""The event bus over Kafka, Redis Streams and memory."""

from .base import (
    Consumer,
    Delivery,
    EventBus,
    Record,
    StartAt,
    Subscription,
    TopicPartition,
    TopicPartitionOffset,
)
from .factory import BusKind, create_bus
from .partitions import partition_of

__all__ = [
    "BusKind",
    "Consumer",
    "Delivery",
    "EventBus",
    "Record",
    "StartAt",
    "Subscription",
    "TopicPartition",
    "TopicPartitionOffset",
    "create_bus",
    "partition_of",
]
