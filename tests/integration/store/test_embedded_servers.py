"""What both embedded servers guarantee, on real servers."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.processes import call_as, output, python
from support.servers import temporary_home

from millstream.contracts.errors import ConfigurationError
from millstream.store.embedded import EmbeddedPostgres, EmbeddedRedis
from millstream.store.embedded.server import EmbeddedServer

ENSURE = """
import sys
from pathlib import Path
from millstream.store import embedded
server = getattr(embedded, sys.argv[1])(Path(sys.argv[2]))
print(server.ensure(), server.status().pid)
"""

Kind = type[EmbeddedServer]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(params=[EmbeddedPostgres, EmbeddedRedis], ids=["postgres", "redis"])
def kind(request) -> Kind:
    return request.param


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


@pytest.fixture
def bystander(kind: Kind, home: Path) -> Iterator[int]:
    """The pid of an unrelated process of the account that the server runs as."""
    account = kind(home)._account()
    user = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    process = subprocess.Popen(["sleep", "300"], cwd="/", **user)
    yield process.pid
    assert process.poll() is None, "the bystander was killed"
    process.kill()
    process.wait()


def kill(server: EmbeddedServer) -> None:
    pid = server.status().pid
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)


def files_and_modes(path: Path) -> list[tuple[Path, int]]:
    return [(parent, stat.S_IMODE(parent.stat().st_mode)) for parent in (path, *path.parents)]


def test_ensure_twice_finds_the_running_server(kind, home):
    first = kind(home)
    address = first.ensure()
    pid = first.status().pid
    second = kind(home)
    assert second.ensure() == address
    assert second.status().pid == pid
    assert second.status().ready


def test_server_started_by_another_process_outlives_it_and_is_found(kind, home):
    address, pid = output(python(ENSURE, kind.__name__, str(home))).rsplit(" ", 1)
    server = kind(home)
    assert server.alive()
    assert server.ensure() == address
    assert server.status().pid == int(pid)
    assert int(pid) not in {child.pid for child in psutil.Process().children(recursive=True)}


def test_concurrent_ensure_starts_one_server(kind, home):
    starters = [python(ENSURE, kind.__name__, str(home)) for _ in range(3)]
    assert len({output(starter) for starter in starters}) == 1


def test_stop_ends_every_process_and_removes_pid_file_and_socket(kind, home):
    server = kind(home)
    server.ensure()
    server.stop()
    assert server._processes() == []
    assert list(server.socket.parent.iterdir()) == []
    status = server.status()
    assert (status.running, status.ready, status.pid) == (False, False, None)


def test_stop_of_a_server_that_never_ran_does_nothing(kind, home):
    kind(home).stop()
    assert not kind(home).alive()
    assert list(home.iterdir()) == []


def test_ensure_after_stop_starts_again(kind, home):
    server = kind(home)
    server.ensure()
    server.stop()
    server.ensure()
    assert server.alive()


def test_two_homes_run_two_servers(kind, home):
    with temporary_home() as other:
        one, two = kind(home), kind(other)
        assert one.ensure() != two.ensure()
        assert one.status().pid != two.status().pid
        one.stop()
        assert two.alive()


def test_killed_server_is_started_again_in_spite_of_left_over_files(kind, home):
    server = kind(home)
    server.ensure()
    kill(server)
    assert not server.alive()
    assert server.socket.exists()
    server.ensure()
    assert server.alive()


def test_pid_of_left_over_files_taken_by_another_process_is_ignored(kind, home, bystander):
    server = kind(home)
    server.ensure()
    old = server.status().pid
    kill(server)
    left_over = [*server.socket.parent.iterdir(), *server.data.rglob("postmaster.pid")]
    for path in left_over:
        if path.is_file():
            text = path.read_text()
            assert str(old) in text
            path.write_text(text.replace(str(old), str(bystander), 1))
    server.ensure()
    assert server.alive()
    server.stop()


def test_unfinished_stop_and_stale_lock_files_do_not_block(kind, home):
    server = kind(home)
    server.ensure()
    server.stop()
    server.socket.with_name(server.socket.name).write_text("not a socket")
    server.home.lock_file(server.name).write_text("99999")
    server.ensure()
    assert server.alive()


def test_home_with_a_long_path_uses_a_short_private_socket_directory(kind, home):
    deep = home / ("d" * 60) / ("e" * 60)
    server = kind(deep)
    try:
        server.ensure()
        assert server.alive()
        assert len(os.fsencode(server.socket)) <= 103
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    finally:
        server.stop()
    assert not server.socket.parent.exists()


def test_short_socket_directory_open_to_others_is_refused(kind, home):
    server = kind(home / ("d" * 60) / ("e" * 60))
    server.socket.parent.mkdir()
    server.socket.parent.chmod(0o777)
    try:
        with pytest.raises(ConfigurationError, match="mode 0700"):
            server.ensure()
    finally:
        server.socket.parent.rmdir()


@pytest.mark.parametrize("name", ["a 'b\" $HOME", "a,b"])
def test_home_with_special_characters_works(kind, home, name):
    server = kind(home / name)
    try:
        server.ensure()
        assert server.alive()
    finally:
        server.stop()


def test_home_below_a_file_is_a_configuration_error(kind, home):
    (home / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot use the data directory") as caught:
        kind(home / "file" / "home").ensure()
    assert "MILLSTREAM_HOME" in caught.value.hint


def test_only_the_owner_can_reach_the_socket(kind, home):
    server = kind(home)
    server.ensure()
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700


def test_long_log_is_rotated_at_the_next_start(kind, home):
    server = kind(home)
    server.ensure()
    server.stop()
    with server.log.open("ab") as log:
        log.truncate(10_000_001)
    server.ensure()
    assert server.log.stat().st_size < 100_000
    assert server.log.with_suffix(".log.1").exists()


@as_root
def test_no_permission_above_the_home_is_changed(kind, home):
    before = files_and_modes(home)
    kind(home).ensure()
    assert files_and_modes(home) == before


def ordinary_user() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


@pytest.fixture
def users_home() -> Iterator[Path]:
    """A home that belongs to an ordinary user."""
    home = Path(tempfile.mkdtemp(prefix="ms-", dir="/tmp"))
    uid, gid = ordinary_user()
    os.chown(home, uid, gid)
    yield home
    EmbeddedRedis(home).stop()
    EmbeddedPostgres(home).stop()
    shutil.rmtree(home)


@as_root
def test_ordinary_user_starts_finds_and_stops_a_server(kind, users_home):
    def life() -> str:
        server = kind(users_home)
        server.ensure()
        first = server.status()
        server.ensure()
        assert server.status().pid == first.pid
        os.kill(first.pid, signal.SIGKILL)
        server.ensure()
        uid = psutil.Process(server.status().pid).uids().real
        server.stop()
        assert not server.status().running
        return str(uid)

    uid, gid = ordinary_user()
    assert call_as(uid, gid, life) == str(uid)


@as_root
def test_root_in_a_users_home_acts_as_that_user_who_can_go_on(kind, users_home):
    uid, gid = ordinary_user()
    server = kind(users_home)
    server.ensure()
    assert psutil.Process(server.status().pid).uids().real == uid
    server.stop()

    def go_on() -> str:
        server.ensure()
        server.stop()
        return "done"

    assert call_as(uid, gid, go_on) == "done"
    assert {path.stat().st_uid for path in users_home.rglob("*")} == {uid}


@as_root
def test_ordinary_user_without_access_gets_a_configuration_error(kind, home):
    def attempt() -> str:
        with pytest.raises(ConfigurationError) as caught:
            kind(home / "sub").ensure()
        return str(caught.value)

    uid, gid = ordinary_user()
    check: Callable[[], str] = attempt
    assert "Permission denied" in call_as(uid, gid, check)
