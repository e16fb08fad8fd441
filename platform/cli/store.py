"""The database connection of a command."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from ..bootstrap import ensure_servers
from ..ops.settings import Settings, load_settings
from ..store.database import connect_sync


@contextlib.contextmanager
def database(settings: Settings | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection for one command, to servers that are started when none runs."""
    endpoints = ensure_servers(settings or load_settings())
    with connect_sync(endpoints.database_url, application_name="millstream-cli") as connection:
        yield connection
