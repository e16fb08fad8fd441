"""What the embedded servers have in common: start once, find again, survive a crash, stop.

Whether a server runs is never concluded from a pid file. It is started with an open descriptor of a locked file, which
all its processes inherit: the lock is held exactly as long as one of them lives, whoever started it and whatever
became of the starter. A free lock therefore proves that pid file, socket and socket lock are left-overs, even when
their pid belongs to another process by now; and a new server never starts beside orphans of a killed one.
"""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

import psutil

from ...contracts.errors import ConfigurationError, FatalError, RetriableError
from .accounts import Account, command_as
from .home import Home
from .locks import exclusive, is_held, open_private, wait_until

PATIENCE = 120.0  # seconds: initdb or a crash recovery on a busy small machine
ORPHAN_GRACE = 3.0  # seconds in which the children of a killed server notice and leave
LOG_LIMIT = 10_000_000  # bytes; a longer log is moved to .1 at the next start
LOG_TAIL = 12  # lines shown in an error


class Answer(Enum):
    """What a server says when it is asked."""

    READY = "ready"
    STARTING = "starting"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One look at an embedded server. ``pid`` is its main process, None when it does not run."""

    name: str
    running: bool
    ready: bool
    pid: int | None
    address: str
    data: Path
    log: Path


class EmbeddedServer(ABC):
    """One server of one data directory. Objects hold no resource: any process may make one, at any time."""

    name: ClassVar[str]
    title: ClassVar[str]
    stop_signals: ClassVar[tuple[signal.Signals, ...]]

    def __init__(self, home: Path, socket_name: str) -> None:
        self.home = Home(home)
        self.data = self.home.data(self.name)
        self.log = self.home.log_file(self.name)
        self.socket = self.home.socket_directory(self.name, socket_name) / socket_name
        # Part of the title of each of the server's processes, by which they are told from all others.
        self._mark = f"millstream-{self.home.fingerprint}"
        self._presence = self.home.presence_file(self.name)
        self._log_start = 0

    @property
    @abstractmethod
    def address(self) -> str:
        """Where clients connect; known before the server runs."""

    @abstractmethod
    def _account(self) -> Account | None:
        """Whom the server runs as; None: the present user."""

    @abstractmethod
    def _ask(self) -> Answer: ...

    @abstractmethod
    def _start(self) -> None:
        """Remove left-overs and start the daemon with :meth:`_spawn`; called when no process of the server lives."""

    @abstractmethod
    def _is_main(self, command: str) -> bool:
        """Whether the process title is the server's own, not a child's."""

    def _provision(self) -> None:  # noqa: B027 - a server may have nothing to complete
        """Complete a running server, once it answers."""

    def ensure(self) -> str:
        """Start the server unless it runs, wait until it is ready, and return its address. Idempotent.

        Raises :class:`ConfigurationError` (permissions, missing binaries, unusable data) or :class:`RetriableError`
        (did not start or answer), with the end of the server's log.
        """
        with self._explaining():
            self.home.create()
            with exclusive(self.home.lock_file(self.name), PATIENCE):
                self.home.create_for(self.name, self.socket.parent, self._account())
                if self._lives():
                    self._adopt()
                if not self._lives():
                    self._rotate_log()
                    self._start()
                    self._require_ready()
                self._provision()
        return self.address

    def stop(self) -> None:
        """Stop the server cleanly and wait until its last process has gone; harmless when it does not run.

        Raises :class:`ConfigurationError` when this user may not enter the home.
        """
        with self._explaining():
            if not self._presence.exists():
                return
            with exclusive(self.home.lock_file(self.name), PATIENCE):
                self._end()
                self.home.remove_short(self.socket.parent)

    def alive(self) -> bool:
        """Whether the server answers now. Takes at most two seconds."""
        return self._ask() is Answer.READY

    def status(self) -> ServerStatus:
        """What is known of the server now. Raises :class:`ConfigurationError` when this user may not enter the home."""
        with self._explaining():
            running = self._lives()
        main = self._main_process() if running else None
        pid = main.pid if main is not None else None
        return ServerStatus(self.name, running, self.alive(), pid, self.address, self.data, self.log)

    def _end(self) -> None:
        for number in self.stop_signals:
            main = self._main_process() if self._lives() else None
            if main is None:
                break
            self._signal(main, number)
            if wait_until(lambda: not self._lives(), PATIENCE):
                return
        if self._lives():
            self._end_orphans()

    def _lives(self) -> bool:
        return is_held(self._presence)

    def _adopt(self) -> None:
        """Wait for a server that somebody else started; on return it is ready, or its last process has gone."""
        patience = PATIENCE if self._main_process() is not None else ORPHAN_GRACE
        if wait_until(lambda: self.alive() or not self._lives(), patience):
            return
        main = self._main_process()
        if main is not None:
            raise RetriableError(
                f"{self.title} runs (process {main.pid}) but does not answer at {self.address}.{self._log_end()}",
                hint="Stop it with `millstream down` and start again.",
            )
        self._end_orphans()

    def _require_ready(self) -> None:
        ended = wait_until(lambda: self.alive() or not self._lives(), PATIENCE)
        if ended and self._lives():
            return
        problem = "ended during its start" if ended else f"was not ready within {PATIENCE:.0f} s"
        raise RetriableError(f"{self.title} {problem}.{self._log_end()}", hint=f"The whole log is {self.log}.")

    def _spawn(self, argv: Sequence[str], reads: Sequence[Path], environment: Mapping[str, str]) -> None:
        """Run a command that leaves the daemon behind, holding the presence lock and writing to the log."""
        with (
            exclusive(self._presence, PATIENCE) as presence,
            os.fdopen(open_private(self.log, os.O_WRONLY | os.O_APPEND), "ab") as log,
        ):
            self._log_start = log.tell()
            done = subprocess.run(
                command_as(self._account(), argv, reads),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(presence,),
                env=clean_environment(environment),
                cwd="/",
                check=False,
            )
        if done.returncode != 0:
            raise RetriableError(
                f"{self.title} did not start (exit status {done.returncode}).{self._log_end()}",
                hint=f"The whole log is {self.log}.",
            )

    def _processes(self) -> list[tuple[psutil.Process, str]]:
        """The living processes of this server of this home, with their titles."""
        account = self._account()
        uid = account.uid if account is not None else os.geteuid()
        found = []
        for process in psutil.process_iter():
            try:
                command = " ".join(process.cmdline())
                if self._mark in command and process.uids().real == uid:
                    found.append((process, command))
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # it has just ended, or is not ours
        return found

    def _main_process(self) -> psutil.Process | None:
        return next((process for process, command in self._processes() if self._is_main(command)), None)

    def _end_orphans(self) -> None:
        """Kill the children that outlive a killed server: they hold its memory and files, and serve nobody."""
        for process, _ in self._processes():
            self._signal(process, signal.SIGKILL)
        if not wait_until(lambda: not self._lives(), ORPHAN_GRACE):
            raise FatalError(
                f"Processes of a former {self.title} still hold {self._presence}, and none can be told by its title.",
                hint=f"Find them with `fuser {self._presence}` and end them.",
            )

    @staticmethod
    def _signal(process: psutil.Process, number: signal.Signals) -> None:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return  # it was faster

    def _rotate_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _log_end(self) -> str:
        """The end of what the server logged since its start, as lines to append to a message."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read()[-LOG_LIMIT:].decode(errors="replace").splitlines()[-LOG_TAIL:]
        return "".join(f"\n  {line}" for line in lines)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigurationError(
                f"{self.title} cannot use the data directory {self.home.path}: {error}",
                hint="Make it writable for this user, free some space, or set MILLSTREAM_HOME to another directory.",
            ) from error


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """An environment in which none of the caller's PG…, LC_… or LD_… variables changes what a server does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **extra}
