"""Where every process finds its servers: the user's own by URL, else the embedded ones of the home directory."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from .bus.base import EventBus
from .bus.factory import BusKind, create_bus
from .contracts.topics import CONTROL_COMMANDS, TOPICS
from .ops.clock import WallClock
from .ops.health import Checking
from .ops.settings import Settings
from .store.database import connect
from .store.embedded import EmbeddedPostgres, EmbeddedRedis
from .store.migrate import migrate


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of the servers of one installation. They may hold passwords: never log them."""

    database_url: str
    redis_url: str
    bus_kind: BusKind
    bus_address: str


def ensure_servers(settings: Settings) -> Endpoints:
    """Start the embedded servers that no URL replaces (or find them running) and bring the schema up to date.

    Blocks for about a second at the first start. Raises :class:`ConfigurationError` or :class:`RetriableError` that
    say which server, why, and what to do.
    """
    database_url = ensure_database(settings)
    redis = settings.redis_url
    redis_url = redis.get_secret_value() if redis else EmbeddedRedis(settings.home).ensure()
    addresses: dict[BusKind, str] = {"redis": redis_url, "kafka": settings.kafka_bootstrap, "memory": ""}
    return Endpoints(database_url, redis_url, settings.bus, addresses[settings.bus])


def ensure_database(settings: Settings) -> str:
    """As :func:`ensure_servers`, PostgreSQL alone: its address, for what only reads."""
    database = settings.database_url
    database_url = database.get_secret_value() if database else EmbeddedPostgres(settings.home).ensure()
    migrate(database_url)
    return database_url


def revive_servers(settings: Settings) -> None:
    """Start those embedded servers again that do not live any more; errors as :func:`ensure_servers`."""
    for url, server in ((settings.database_url, EmbeddedPostgres), (settings.redis_url, EmbeddedRedis)):
        if not url and not server(settings.home).alive():
            server(settings.home).ensure()


def stop_servers(settings: Settings) -> None:
    """Stop the embedded servers of the home directory cleanly; harmless when none runs."""
    if not settings.redis_url:
        EmbeddedRedis(settings.home).stop()
    if not settings.database_url:
        EmbeddedPostgres(settings.home).stop()


@contextlib.asynccontextmanager
async def open_bus(settings: Settings, endpoints: Endpoints) -> AsyncIterator[EventBus]:
    """The configured bus, open and with every topic of the table."""
    async with event_bus(settings, endpoints) as bus:
        await bus.create_topics(TOPICS.values())
        yield bus


def server_checks(endpoints: Endpoints, bus: EventBus) -> dict[str, Checking]:
    """Whether database, Redis and the open ``bus`` answer, for :mod:`millstream.ops.health`."""

    async def database() -> str:
        async with await connect(endpoints.database_url, application_name="millstream-health") as conn:
            await conn.execute("SELECT 1")
        return "answers"

    async def redis() -> str:
        from redis.asyncio import Redis

        async with Redis.from_url(endpoints.redis_url) as client:
            await client.echo("millstream")
        return "answers"

    async def events() -> str:
        await bus.create_topics([CONTROL_COMMANDS])
        return f"{endpoints.bus_kind} answers"

    return {"database": database, "redis": redis, "bus": events}


def event_bus(settings: Settings, endpoints: Endpoints) -> EventBus:
    """The configured bus, not yet open."""
    return create_bus(
        endpoints.bus_kind,
        endpoints.bus_address,
        clock=WallClock(),
        namespace=settings.namespace,
        patience=settings.bus_patience,
    )
