"""Connections to PostgreSQL: psycopg 3 for the hot paths, a SQLAlchemy engine elsewhere. All speak UTC."""

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ..contracts.errors import ConfigurationError, MillstreamError, RetriableError

if TYPE_CHECKING:
    import psycopg_pool
    import sqlalchemy

CONNECT_TIMEOUT = 10
_REFUSALS = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")


async def connect(
    dsn: str, *, application_name: str = "millstream", autocommit: bool = False, **options: Any
) -> psycopg.AsyncConnection:
    """Open an async connection to ``dsn`` (libpq URL or key/value text) whose session time zone is UTC.

    ``options`` go to psycopg (``row_factory``, ``prepare_threshold`` …). Raises :class:`RetriableError`
    when the server cannot be reached and :class:`ConfigurationError` when it refuses user or database.
    """
    parameters = _parameters(dsn, application_name)
    try:
        return await psycopg.AsyncConnection.connect(autocommit=autocommit, **parameters, **options)
    except psycopg.OperationalError as error:
        raise _explained(parameters, error) from error


def connect_sync(
    dsn: str, *, application_name: str = "millstream", autocommit: bool = False, **options: Any
) -> psycopg.Connection:
    """As :func:`connect`, blocking."""
    parameters = _parameters(dsn, application_name)
    try:
        return psycopg.Connection.connect(autocommit=autocommit, **parameters, **options)
    except psycopg.OperationalError as error:
        raise _explained(parameters, error) from error


def pool(
    dsn: str, *, application_name: str = "millstream", size: int = 10, patience: float = 5.0
) -> "psycopg_pool.ConnectionPool[psycopg.Connection[Any]]":
    """A pool of up to ``size`` blocking connections, not open yet; each is checked before it is given out.

    Who waits for one longer than ``patience`` seconds gets ``psycopg_pool.PoolTimeout``. Raises
    :class:`ConfigurationError` for a ``dsn`` that cannot be read.
    """
    import psycopg_pool

    return psycopg_pool.ConnectionPool(
        kwargs=_parameters(dsn, application_name),
        min_size=1,
        max_size=size,
        timeout=patience,
        open=False,
        check=psycopg_pool.ConnectionPool.check_connection,
    )


def engine(dsn: str, *, application_name: str = "millstream") -> "sqlalchemy.Engine":
    """SQLAlchemy engine over the same connections; dispose of it when done. It connects at first use."""
    import sqlalchemy

    return sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect_sync(dsn, application_name=application_name),
        pool_pre_ping=True,
    )


def _parameters(dsn: str, application_name: str) -> dict[str, Any]:
    try:
        parameters: dict[str, Any] = dict(conninfo_to_dict(dsn))
    except psycopg.ProgrammingError as error:
        raise ConfigurationError(
            "The database URL cannot be read",
            hint="Write it as postgresql://user:password@host:port/database (MILLSTREAM_DATABASE_URL).",
        ) from error
    parameters["options"] = f"{parameters.get('options') or ''} -c timezone=UTC".strip()
    parameters.setdefault("application_name", application_name)
    parameters.setdefault("connect_timeout", CONNECT_TIMEOUT)
    return parameters


def _explained(parameters: dict[str, Any], error: psycopg.OperationalError) -> MillstreamError:
    host, port = parameters.get("host", "localhost"), parameters.get("port", 5432)
    where = f"PostgreSQL at {host} (port {port}, database {parameters.get('dbname', 'default')})"
    reason = " ".join(str(error).split())
    if any(refusal in reason for refusal in _REFUSALS):
        return ConfigurationError(f"{where} refuses: {reason}", hint="Correct MILLSTREAM_DATABASE_URL.")
    return RetriableError(
        f"{where} cannot be reached: {reason}",
        hint="Start it (`millstream up` starts the embedded one) or correct MILLSTREAM_DATABASE_URL.",
    )
