from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from millstream.contracts.errors import ConfigurationError
from millstream.store.database import connect_sync, engine
from millstream.store.migrate import MIGRATIONS, alembic_config, current, latest, migrate
from millstream.store.models import Base


def test_empty_database_is_migrated_to_the_newest_revision(database: Callable[..., str]):
    dsn = database()
    assert current(dsn) is None
    assert migrate(dsn) == latest() == current(dsn)
    with connect_sync(dsn) as conn:
        names = {name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert names == set(Base.metadata.tables) | {"alembic_version"}


def test_newest_revision_is_alembics_head():
    assert latest() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_models_and_migrations_make_the_same_schema(dsn: str):
    store = engine(dsn)
    with store.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    store.dispose()


def test_models_and_migrations_differ_in_no_constraint_index_or_column(database: Callable[..., str], dsn: str):
    made = database()
    store = engine(made)
    Base.metadata.create_all(store)
    store.dispose()
    query = (
        "SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
        " JOIN pg_namespace n ON n.oid = c.connamespace WHERE nspname = 'public'"
        " AND c.conrelid::regclass::text <> 'alembic_version'"
        " UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        " UNION ALL SELECT relname, relkind::text, coalesce(pg_get_partkeydef(c.oid), '') FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind IN ('r', 'p')"
        " AND relname <> 'alembic_version' ORDER BY 1, 2, 3"
    )
    with connect_sync(made) as by_models, connect_sync(dsn) as by_migrations:
        assert by_migrations.execute(query).fetchall() == by_models.execute(query).fetchall()


def test_two_processes_migrating_at_once_both_succeed(database: Callable[..., str]):
    dsn = database()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, [dsn] * 4)) == [latest()] * 4


def test_database_newer_than_the_code_is_refused(dsn: str):
    with connect_sync(dsn) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="9999") as refusal:
        migrate(dsn)
    assert "Upgrade" in refusal.value.hint


def test_downgrade_removes_every_table(dsn: str):
    store = engine(dsn)
    with store.begin() as connection:
        command.downgrade(alembic_config(connection), "base")
    store.dispose()
    with connect_sync(dsn) as conn:
        names = [name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert names == ["alembic_version"]
