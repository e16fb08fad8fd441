"""Reading the log of a runner, from its beginning or as it grows."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ..contracts.clock import Clock
from ..contracts.errors import NotFoundError
from ..promotion.queries import Deployment

POLL_SECONDS = 0.2


def log_of(deployment: Deployment) -> Path:
    """The log file of the deployment's newest runner. Raises :class:`NotFoundError` when it never had one."""
    if not deployment.log_file:
        raise NotFoundError(
            f"{deployment.deployment_id} has not run yet", hint="`millstream deployments` shows what it waits for."
        )
    return Path(deployment.log_file)


def tail(path: Path, lines: int) -> list[str]:
    """The last ``lines`` lines, reaching back into files that were rotated away."""
    found: list[str] = []
    candidates = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, 100))]
    for candidate in candidates:
        if len(found) >= lines or not candidate.exists():
            break
        found = candidate.read_text(errors="replace").splitlines() + found
    return found[-lines:] if lines > 0 else []


async def follow(path: Path, clock: Clock, *, lines: int = 100) -> AsyncIterator[str]:
    """The last ``lines`` lines, then every new one as it is written, through rotations, until cancelled."""
    with _Growing(path) as log:
        shown = log.lines()
        for line in [*tail(path.with_name(f"{path.name}.1"), lines - len(shown)), *shown][-lines:]:
            yield line
        while True:
            for line in log.lines():
                yield line
            await clock.sleep(POLL_SECONDS)


class _Growing:
    """A file that is appended to, and now and then replaced by a new one of the same name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""

    def lines(self) -> list[str]:
        """Complete lines that were not given out yet."""
        data = self._file.read() if self._file is not None else b""
        if self._path.exists() and (self._file is None or self._rotated(self._file)):
            # What was written between the read and the rotation is still in the old file.
            data += self._file.read() if self._file is not None else b""
            self.close()
            self._file = self._path.open("rb")
            data += self._file.read()
        *complete, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in complete]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rotated(self, file: BinaryIO) -> bool:
        return self._path.stat().st_ino != os.fstat(file.fileno()).st_ino
