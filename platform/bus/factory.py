"""Which bus a name stands for. A client library is imported only when its bus is used."""

import re
from typing import Literal

from ..contracts.clock import Clock
from ..contracts.errors import ConfigurationError
from .base import EventBus

BusKind = Literal["redis", "kafka", "memory"]

_NAMESPACE = re.compile(r"[A-Za-z0-9._-]{0,100}")


def create_bus(kind: BusKind, address: str, *, clock: Clock, namespace: str = "", patience: float = 30.0) -> EventBus:
    """A bus that is not open yet.

    ``address``: a Redis URL, Kafka's ``host:port[,host:port]``, or the name of a broker in this process (empty: one of
    its own). ``namespace`` starts the name of every topic, so that several users share a broker. ``patience``: seconds
    that a call waits for a lost broker. Raises :class:`ConfigurationError` for what cannot be a bus.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise ConfigurationError(
            f"{namespace!r} cannot be a namespace.",
            hint="Use at most 100 letters, digits, dots, underscores and hyphens in MILLSTREAM_NAMESPACE.",
        )
    if kind == "memory":
        from .memory import MemoryBus

        return MemoryBus(address, clock=clock, namespace=namespace)
    if kind == "redis":
        from .redis_streams import RedisBus

        return RedisBus(address, clock=clock, namespace=namespace, patience=patience)
    if kind == "kafka":
        from .kafka import KafkaBus

        return KafkaBus(address, clock=clock, namespace=namespace, patience=patience)
    raise ConfigurationError(f"There is no bus {kind!r}.", hint="Set MILLSTREAM_BUS to redis, kafka or memory.")
