"""Files of the data directory that processes of different users share: locks, logs, settings."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...contracts.errors import RetriableError


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Whether ``condition`` came true within ``seconds``. For daemons of which this process is not the parent."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause.wait(every)
    return True


@contextmanager
def exclusive(path: Path, patience: float) -> Iterator[int]:
    """Hold the lock file ``path``; yields its descriptor. Raises :class:`RetriableError` after ``patience`` seconds."""
    descriptor = open_private(path, os.O_RDWR)
    try:
        if not wait_until(lambda: _try_lock(descriptor, fcntl.LOCK_EX), patience):
            raise RetriableError(
                f"Another process has held {path} for {patience:.0f} s.",
                hint="It is starting or stopping the same server; try again when it has finished.",
            )
        yield descriptor
    finally:
        os.close(descriptor)


def open_private(path: Path, flags: int) -> int:
    """Open ``path``, creating it with mode 0600. What root creates belongs to the owner of the directory."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Replace the file ``path`` as a whole, see :func:`open_private`."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(open_private(fresh, os.O_WRONLY), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file ``path`` exclusively."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
