"""Bring a database to the newest schema: Alembic without an ini file, one process at a time."""

from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import Connection

from ..contracts.errors import ConfigurationError
from .database import connect_sync, engine

if TYPE_CHECKING:
    import sqlalchemy
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('millstream.migrate', 0))"


def migrate(dsn: str) -> str:
    """Apply what is missing and return the schema's revision. Processes starting at once wait for each other.

    Raises :class:`ConfigurationError` when the database is newer than this code, and as
    :func:`~millstream.store.database.connect_sync`.
    """
    found, newest = current(dsn), latest()
    if found == newest:
        return newest
    if found is not None and found not in revisions():
        raise ConfigurationError(
            f"The database is at schema {found}, this code knows schemas up to {newest}",
            hint="Upgrade Millstream, or point MILLSTREAM_DATABASE_URL at another database.",
        )
    _upgrade(dsn)
    return newest


def _upgrade(dsn: str) -> None:
    from alembic import command

    store = engine(dsn, application_name="millstream-migrate")
    try:
        with store.begin() as connection:
            connection.exec_driver_sql(_LOCK)
            command.upgrade(alembic_config(connection), "head")
    finally:
        store.dispose()


def current(dsn: str) -> str | None:
    """Revision of the database, None when it was never migrated."""
    with connect_sync(dsn, application_name="millstream-migrate") as connection:
        return _revision(connection)


def revisions() -> list[str]:
    """The revisions this code knows, oldest first: the numbers that their files begin with."""
    return sorted(path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def latest() -> str:
    """The newest revision this code knows."""
    return revisions()[-1]


def alembic_config(connection: "sqlalchemy.Connection") -> "Config":
    """Alembic's configuration for ``connection``; with it every ``alembic.command`` works on this schema."""
    from alembic.config import Config

    from .models import Base

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["target_metadata"] = Base.metadata
    return config


def _revision(connection: Connection) -> str | None:
    if connection.execute("SELECT to_regclass('alembic_version')::text").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
