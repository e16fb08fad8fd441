"""A migrated, empty database for each test, and buses."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from support.market_rig import Background
from support.servers import new_database

from millstream.bus.base import EventBus
from millstream.bus.factory import create_bus
from millstream.contracts.ids import random_id
from millstream.contracts.topics import TOPICS
from millstream.ops.clock import WallClock
from millstream.store.migrate import migrate


@pytest.fixture(scope="session")
def migrated(postgres_dsn: str) -> Iterator[str]:
    """Name of a migrated database to copy from."""
    with new_database(postgres_dsn) as dsn:
        migrate(dsn)
        yield dsn.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def dsn(database: Callable[..., str], migrated: str) -> str:
    """URL of a database with the newest schema."""
    return database(migrated)


@pytest.fixture
async def bus() -> AsyncIterator[EventBus]:
    """An open memory bus with all topics."""
    async with create_bus("memory", "", clock=WallClock()) as opened:
        await opened.create_topics(TOPICS.values())
        yield opened


@pytest.fixture
async def redis_bus(redis_url: str) -> AsyncIterator[EventBus]:
    """An open Redis bus with all topics in a namespace of its own."""
    async with create_bus("redis", redis_url, clock=WallClock(), namespace=f"t{random_id()[:8]}") as opened:
        await opened.create_topics(TOPICS.values())
        yield opened


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    """Tasks that end with the test."""
    tasks = Background()
    yield tasks
    await tasks.stop()
