from datetime import UTC, datetime, timedelta

import pytest

from millstream.contracts.errors import ConfigurationError, RetriableError
from millstream.store.database import connect, connect_sync, engine


async def test_async_connection_speaks_utc_and_names_itself(dsn: str):
    conn = await connect(dsn, application_name="tester")
    async with conn:
        row = await (await conn.execute("SELECT now(), current_setting('application_name'), 1")).fetchone()
    assert row is not None
    assert row[0].utcoffset() == timedelta(0)
    assert row[1] == "tester"


def test_blocking_connection_speaks_utc(dsn: str):
    with connect_sync(dsn) as conn:
        moment = conn.execute("SELECT '2024-07-01 12:00'::timestamptz").fetchone()
    assert moment == (datetime(2024, 7, 1, 12, tzinfo=UTC),)


def test_options_of_the_url_are_kept(dsn: str):
    with connect_sync(f"{dsn}&options=-c%20statement_timeout%3D1234") as conn:
        assert conn.execute("SHOW statement_timeout").fetchone() == ("1234ms",)
        assert conn.execute("SHOW timezone").fetchone() == ("UTC",)


def test_engine_uses_the_same_connections(dsn: str):
    store = engine(dsn, application_name="orm")
    with store.connect() as connection:
        assert connection.exec_driver_sql("SHOW timezone").scalar() == "UTC"
        assert connection.exec_driver_sql("SHOW application_name").scalar() == "orm"
    store.dispose()


async def test_server_that_is_not_there_is_retriable_and_says_where():
    dsn = "postgresql://user:secret@127.0.0.1:1/shop"
    for attempt in (lambda: connect(dsn),):
        with pytest.raises(RetriableError, match=r"127\.0\.0\.1 \(port 1, database shop\)") as failure:
            await attempt()
        assert "secret" not in str(failure.value)
        assert "MILLSTREAM_DATABASE_URL" in failure.value.hint
    with pytest.raises(RetriableError):
        connect_sync(dsn)


def test_missing_database_needs_a_person(dsn: str):
    name = dsn.partition("?")[0].rpartition("/")[2]
    with pytest.raises(ConfigurationError, match="does not exist"):
        connect_sync(dsn.replace(f"/{name}?", "/nowhere?"))


def test_unreadable_url_needs_a_person_and_is_not_repeated():
    with pytest.raises(ConfigurationError) as failure:
        connect_sync("postgresql://user:pw4@host:port:port/x y")
    assert "pw4" not in str(failure.value)
