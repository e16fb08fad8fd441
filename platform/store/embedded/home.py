"""Where the embedded servers of one data directory keep their files."""

import hashlib
import os
import shutil
import stat
from pathlib import Path

from ...contracts.errors import ConfigurationError
from .accounts import Account

# sun_path holds 108 bytes on Linux and 104 on macOS, with the final NUL.
LONGEST_SOCKET_PATH = 103
# Not tempfile.gettempdir(): every process must derive the same directory, whatever its TMPDIR says.
SHORT_DIRECTORIES = Path("/tmp")  # noqa: S108 - each directory in it is private and its owner is checked


class Home:
    """Paths below the data directory ``path``; equal paths (symbolic links resolved) mean the same servers."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.fingerprint = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]

    def data(self, server: str) -> Path:
        return self.path / server

    def log_file(self, server: str) -> Path:
        return self.path / "log" / f"{server}.log"

    def lock_file(self, server: str) -> Path:
        """Held while one process starts or stops the server."""
        return self.path / "run" / f"{server}.lock"

    def presence_file(self, server: str) -> Path:
        """Locked by the server and its children as long as one of them lives."""
        return self.path / "run" / f"{server}.alive"

    def socket_directory(self, server: str, socket_name: str) -> Path:
        """Directory of the socket and the pid file: in the home, or a short private one where that is too long."""
        directory = self.path / "run" / server
        # libpq takes a comma in a host for the end of the first of several.
        if len(os.fsencode(directory / socket_name)) <= LONGEST_SOCKET_PATH and "," not in str(directory):
            return directory
        return SHORT_DIRECTORIES / f"millstream-{self.fingerprint}-{server}"

    def create(self) -> None:
        """Make the home and what all servers share in it, private to this user (root: to the owner of the home)."""
        if not self.path.exists():
            self.path.mkdir(mode=0o700, parents=True)
        for directory in (self.path / "log", self.path / "run"):
            _make_private(directory, _owner_of(self.path))

    def create_for(self, server: str, socket_directory: Path, account: Account | None) -> None:
        """Make the directories of one server, private to ``account`` (None: this user).

        Raises :class:`ConfigurationError` when the socket directory belongs to somebody else or is open to others.
        """
        for directory in (self.data(server), socket_directory):
            _make_private(directory, account)
        _require_private(socket_directory, account)

    def remove_short(self, socket_directory: Path) -> None:
        """Remove a socket directory outside the home, with what a killed server left in it."""
        if socket_directory.parent == SHORT_DIRECTORIES and socket_directory.exists():
            shutil.rmtree(socket_directory)


def _owner_of(path: Path) -> Account | None:
    """Whom root makes files in ``path`` for: its owner. None (keep them) for everybody else."""
    if os.geteuid() != 0:
        return None
    status = path.stat()
    return Account(str(status.st_uid), status.st_uid, status.st_gid)


def _make_private(directory: Path, account: Account | None) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return
    if account is not None:
        os.chown(directory, account.uid, account.gid)


def _require_private(directory: Path, account: Account | None) -> None:
    """PostgreSQL trusts whoever can open its socket, so the directory must be the server's own and closed to others."""
    status = directory.lstat()
    owner = account.uid if account is not None else os.geteuid()
    if stat.S_ISDIR(status.st_mode) and status.st_uid == owner and not status.st_mode & 0o077:
        return
    raise ConfigurationError(
        f"The socket directory {directory} must be a directory of uid {owner} with mode 0700; "
        f"it belongs to uid {status.st_uid} and has mode {stat.S_IMODE(status.st_mode):04o}.",
        hint=f"Remove it when no server of this home runs, or set MILLSTREAM_HOME to another directory: {directory}",
    )
