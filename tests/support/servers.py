"""Real servers for tests: embedded PostgreSQL and Redis, and a Kafka broker, each started once in a test session."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from millstream.ops.kafka_broker import KafkaBroker, availability
from millstream.store.embedded import EmbeddedPostgres, EmbeddedRedis


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A new data directory with a short path (socket paths are limited); its servers are stopped at the end."""
    home = Path(tempfile.mkdtemp(prefix="ms-", dir="/tmp"))
    try:
        yield home
    finally:
        EmbeddedRedis(home).stop()
        EmbeddedPostgres(home).stop()
        shutil.rmtree(home)


def require_kafka() -> None:
    """Skip the test when no Kafka broker can be started here; fail it when MILLSTREAM_REQUIRE_KAFKA=1."""
    reason = availability()
    if reason is None:
        return
    if os.environ.get("MILLSTREAM_REQUIRE_KAFKA") == "1":
        pytest.fail(f"MILLSTREAM_REQUIRE_KAFKA=1, but {reason}")
    pytest.skip(reason)


def drop_database(server: str, name: str) -> None:
    """Drop a database whoever is connected; an autovacuum worker of the server's own is waited for."""
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    deadline = time.monotonic() + 30
    with psycopg.connect(server, autocommit=True) as connection:
        while True:
            try:
                connection.execute(drop)
                return
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)


@contextmanager
def new_database(server: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database on ``server`` (a URL), a copy of the database named ``template`` if given."""
    name = f"test_{secrets.token_hex(6)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template or "template1")
    )
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(create)
    try:
        yield server.replace("/millstream?", f"/{name}?", 1)
    finally:
        drop_database(server, name)


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """The data directory of this session's servers."""
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="session")
def postgres_dsn(server_home: Path) -> str:
    """URL of the session's PostgreSQL, database ``millstream`` (empty: tests that write take ``database``)."""
    return EmbeddedPostgres(server_home).ensure()


@pytest.fixture
def database(postgres_dsn: str) -> Iterator[Callable[..., str]]:
    """``database(template=None)`` gives the URL of a fresh database, dropped after the test."""
    with ExitStack() as stack:
        yield lambda template=None: stack.enter_context(new_database(postgres_dsn, template))


@pytest.fixture(scope="session")
def redis_url(server_home: Path) -> str:
    """URL of the session's Redis. Shared: use a namespace of your own."""
    return EmbeddedRedis(server_home).ensure()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """The session's Kafka broker; see :func:`require_kafka`. Shared: use topics of your own."""
    require_kafka()
    with (
        tempfile.TemporaryDirectory(prefix="ms-kafka-") as directory,
        KafkaBroker(Path(directory), lasting=False) as broker,
    ):
        yield broker
