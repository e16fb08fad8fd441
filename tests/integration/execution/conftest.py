"""A migrated database with one deployment, copied for each test."""

from collections.abc import Callable, Iterator

import pytest
from support.servers import new_database

from millstream.store.migrate import migrate


@pytest.fixture(scope="session")
def trading_template(postgres_dsn: str) -> Iterator[str]:
    """Name of a migrated database to copy."""
    with new_database(postgres_dsn) as dsn:
        migrate(dsn)
        yield dsn.split("/")[-1].split("?")[0]


@pytest.fixture
def trading_database(database: Callable[..., str], trading_template: str) -> str:
    """URL of a migrated, empty database of this test's own."""
    return database(trading_template)
