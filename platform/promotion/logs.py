"""Reading the log of a runner: its end, and what follows in parts that go on from each other."""

from pathlib import Path

from ..contracts.errors import NotFoundError
from .queries import Deployment

PART_BYTES = 256 * 1024
_ROTATIONS = 100
_OFFSET_BITS = 28
_FILE_BITS = 20


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
    for candidate in _files(path):
        if len(found) >= lines:
            break
        found = candidate.read_text(errors="replace").splitlines() + found
    return found[-lines:] if lines > 0 else []


def last_part(path: Path, lines: int) -> tuple[str, int]:
    """The last ``lines`` lines as text, and the place to read on from with :func:`next_part`."""
    if not path.exists():
        return "", 0
    # The place comes first: what is written in between may come twice, and is not lost.
    place = _place(path, path.read_bytes().rfind(b"\n") + 1)
    return "".join(f"{line}\n" for line in tail(path, lines)), place


def next_part(path: Path, place: int, lines: int) -> tuple[str, int]:
    """What was written behind ``place``, whole lines and at most 256 KiB, and the place behind that.

    Where the file of ``place`` is gone (another run, many rotations) it begins again with the last ``lines`` lines.
    """
    files = _files(path)
    known = [index for index, one in enumerate(files) if _place(one, 0) >> _OFFSET_BITS == place >> _OFFSET_BITS]
    if not known:
        return last_part(path, lines)
    offset = place & ((1 << _OFFSET_BITS) - 1)
    for index in range(known[0], -1, -1):
        with files[index].open("rb") as file:
            file.seek(offset)
            data = file.read(PART_BYTES)
        whole = data[: data.rfind(b"\n") + 1] or (data if len(data) == PART_BYTES else b"")
        if whole or index == 0:
            return whole.decode(errors="replace"), _place(files[index], offset + len(whole))
        offset = 0
    return "", place


def _files(path: Path) -> list[Path]:
    """The log and what was rotated away, the newest first."""
    candidates = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _ROTATIONS))]
    return [one for one in candidates if one.exists()]


def _place(path: Path, offset: int) -> int:
    """One number for a file and an offset in it, small enough for JavaScript; it survives the file's rotation."""
    return (path.stat().st_ino & ((1 << _FILE_BITS) - 1)) << _OFFSET_BITS | offset
