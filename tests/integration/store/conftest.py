"""A migrated, empty database for each test."""

from collections.abc import Callable, Iterator

import pytest
from support.servers import new_database

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
