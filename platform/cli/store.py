"""The database connection of a command."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from ..ops.settings import Settings


@contextlib.contextmanager
def database(settings: "Settings | None" = None) -> Iterator["psycopg.Connection[Any]"]:
    """A connection for one command, to a server that is started when none runs."""
    from ..bootstrap import ensure_database
    from ..ops.settings import load_settings
    from ..store.database import connect_sync

    address = ensure_database(settings or load_settings())
    with connect_sync(address, application_name="millstream-cli") as connection:
        yield connection
