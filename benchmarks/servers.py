"""The real servers a benchmark runs against, in a data directory of its own."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from millstream.bus.base import EventBus
from millstream.bus.factory import BusKind, create_bus
from millstream.ops.clock import WallClock
from millstream.ops.kafka_broker import KafkaBroker
from millstream.store.embedded import EmbeddedPostgres, EmbeddedRedis
from millstream.store.migrate import migrate


@dataclass(frozen=True, slots=True)
class Servers:
    """Where everything is. ``namespace`` keeps the runs of one bus apart."""

    home: Path
    dsn: str
    kind: BusKind
    address: str
    redis_url: str
    namespace: str

    def bus(self) -> EventBus:
        return create_bus(self.kind, self.address, clock=WallClock(), namespace=self.namespace)

    def environment(self) -> dict[str, str]:
        """Settings for a Millstream process that uses these servers."""
        return {
            "MILLSTREAM_HOME": str(self.home),
            "MILLSTREAM_DATABASE_URL": self.dsn,
            "MILLSTREAM_REDIS_URL": self.redis_url,
            "MILLSTREAM_BUS": self.kind,
            "MILLSTREAM_KAFKA_BOOTSTRAP": self.address if self.kind == "kafka" else "",
            "MILLSTREAM_NAMESPACE": self.namespace,
            "MILLSTREAM_LOG_LEVEL": "error",
        }


@contextmanager
def servers(kind: BusKind) -> Iterator[Servers]:
    """Embedded PostgreSQL and Redis, and a Kafka broker for ``kafka``; all gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="ms-bench-", dir=tempfile.gettempdir()))
    broker = KafkaBroker(home / "kafka") if kind == "kafka" else None
    try:
        dsn, redis_url = EmbeddedPostgres(home).ensure(), EmbeddedRedis(home).ensure()
        migrate(dsn)
        if broker is not None:
            (home / "kafka").mkdir()
            broker.start()
        address = broker.bootstrap if broker is not None else redis_url
        yield Servers(home, dsn, kind, address, redis_url, f"bench-{secrets.token_hex(3)}")
    finally:
        if broker is not None:
            broker.stop()
        EmbeddedRedis(home).stop()
        EmbeddedPostgres(home).stop()
        shutil.rmtree(home, ignore_errors=True)
