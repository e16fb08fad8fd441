import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from support.servers import temporary_home

from millstream.contracts.errors import ConfigurationError, RetriableError
from millstream.store.embedded import EmbeddedRedis
from millstream.store.embedded.redis import find_server


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


def connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0))


def test_new_server_has_the_settings_of_an_event_store(redis_url):
    expected = {
        "appendonly": "yes",
        "appendfsync": "no",
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
        "databases": "1",
        "port": "0",
        "save": "",
        "protected-mode": "yes",
    }
    with connect(redis_url) as client:
        shown = {name: client.config_get(name)[name] for name in expected}
    assert shown == expected


def test_acknowledged_commands_survive_kill_9_under_load(home):
    server = EmbeddedRedis(home)
    acknowledged = []

    def push_until_killed(client: redis.Redis) -> None:
        while True:
            client.rpush("list", len(acknowledged))
            acknowledged.append(len(acknowledged))

    with connect(server.ensure()) as client:
        timer = threading.Timer(0.5, os.kill, (server.status().pid, signal.SIGKILL))
        timer.start()
        with pytest.raises(redis.ConnectionError):
            push_until_killed(client)
        timer.join()
    assert len(acknowledged) > 100
    with connect(server.ensure()) as client:
        # One more may be stored: the command that was killed before its answer.
        assert client.llen("list") - len(acknowledged) in {0, 1}


def test_truncated_tail_of_the_append_only_file_is_dropped(home):
    server = EmbeddedRedis(home)
    with connect(server.ensure()) as client:
        for number in range(10):
            client.rpush("list", number)
    server.stop()
    file = max((home / "redis").rglob("*.aof"), key=lambda path: path.stat().st_mtime_ns)
    with file.open("r+b") as aof:
        aof.truncate(file.stat().st_size - 5)
    with connect(server.ensure()) as client:
        assert client.llen("list") == 9


def test_damaged_append_only_file_is_reported_with_the_end_of_the_log(home):
    server = EmbeddedRedis(home)
    with connect(server.ensure()) as client:
        client.set("key", "value" * 100)
    server.stop()
    file = max((home / "redis").rglob("*.aof"), key=lambda path: path.stat().st_mtime_ns)
    file.write_bytes(b"nonsense" * 100)
    with pytest.raises(RetriableError, match="Bad file format"):
        server.ensure()
    assert not server.status().running


def test_data_survives_a_stop(home):
    server = EmbeddedRedis(home)
    with connect(server.ensure()) as client:
        client.set("key", "value")
    server.stop()
    with connect(server.ensure()) as client:
        assert client.get("key") == b"value"


def test_child_of_a_killed_server_is_ended_before_the_start(home):
    server = EmbeddedRedis(home)
    with connect(server.ensure()) as client:
        client.config_set("rdb-key-save-delay", 10_000_000)  # the rewrite takes for ever
        client.set("key", "value")
        client.bgrewriteaof()
        pid = server.status().pid
        while not (children := psutil.Process(pid).children()):
            continue
    os.kill(pid, signal.SIGKILL)
    with connect(server.ensure()) as client:
        assert client.get("key") == b"value"
    assert not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE


def test_frozen_server_is_not_alive_and_says_so(home, monkeypatch):
    monkeypatch.setattr("millstream.store.embedded.server.PATIENCE", 0.5)
    server = EmbeddedRedis(home)
    server.ensure()
    pid = server.status().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert not server.alive()
        with pytest.raises(RetriableError, match="does not answer"):
            server.ensure()
    finally:
        os.kill(pid, signal.SIGCONT)


def test_tcp_port_is_opened_on_localhost_when_asked(home, free_port):
    EmbeddedRedis(home, port=free_port).ensure()
    with redis.Redis(port=free_port) as client:
        assert client.ping()


def test_server_older_than_its_data_is_refused(home, monkeypatch):
    server = EmbeddedRedis(home)
    server.ensure()
    server.stop()
    (home / "redis" / "appendonlydir").mkdir(exist_ok=True)
    monkeypatch.setattr("millstream.store.embedded.redis._version", lambda path: (6, 2))
    with pytest.raises(ConfigurationError, match="written by Redis 7"):
        server.ensure()


def test_old_server_on_path_is_passed_over(tmp_path, monkeypatch):
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho Redis server v=5.0.14 sha=0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = find_server()
    assert found.path != old
    assert found.version >= (6, 2)


def test_no_usable_server_is_a_configuration_error_that_names_what_was_found(tmp_path, monkeypatch):
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho Redis server v=5.0.14 sha=0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"redis-server \(5\.0\)"):
        find_server()


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
