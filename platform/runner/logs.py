"""Reading the log of a runner, from its beginning or as it grows."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

from ..contracts.clock import Clock
from ..contracts.errors import NotFoundError
from ..promotion.queries import Deployment

POLL_SECONDS = 0.2
CHUNK = 1 << 16


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


async def follow(  # noqa: ASYNC240 - a local file, read between waits
    path: Path, clock: Clock, *, lines: int = 100) -> AsyncIterator[str]:
    """The last ``lines`` lines, then every new one as it is written, through rotations, until cancelled."""
    file = path.open("rb") if path.exists() else None
    *complete, rest = (file.read() if file is not None else b"").split(b"\n")
    shown = [raw.decode(errors="replace") for raw in complete]
    for line in [*tail(path.with_name(f"{path.name}.1"), lines - len(shown)), *shown][-lines:]:
        yield line
    try:
        while True:
            data = file.read(CHUNK) if file is not None else b""
            if data:
                *complete, rest = (rest + data).split(b"\n")
                for raw in complete:
                    yield raw.decode(errors="replace")
                continue
            await clock.sleep(POLL_SECONDS)
            if path.exists() and (file is None or path.stat().st_ino != _inode(file.fileno())):
                # Rotated (or there at last): the old file has been read to its end.
                if file is not None:
                    file.close()
                file = path.open("rb")
    finally:
        if file is not None:
            file.close()


def _inode(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino
