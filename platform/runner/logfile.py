"""The full log of a runner: a file that is rotated by size, into which standard output and error may be redirected."""

import os
from pathlib import Path
from threading import RLock

MAX_BYTES = 10 * 1024 * 1024
KEEP = 5


class LogFile:
    """Appends text to ``path``; beyond ``max_bytes`` it becomes ``path.1`` (then ``.2`` … up to ``keep``).

    With ``own_stdio`` the descriptors 1 and 2 follow every rotation, so that what C libraries and crashes print is here
    too.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, keep: int = KEEP, own_stdio: bool = False) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._own_stdio = own_stdio
        # Signal handlers print too, in the thread that may hold the lock: it must be reentrant.
        self._lock = RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            if self._size and self._size + len(data) > self._max_bytes:
                self._rotate()
            self._size += len(data)
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        with self._lock:
            os.close(self._descriptor)

    def _open(self) -> int:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        if self._own_stdio:
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
        return descriptor

    def _rotate(self) -> None:
        os.close(self._descriptor)
        for number in range(self._keep - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._descriptor = self._open()
        self._size = 0

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
