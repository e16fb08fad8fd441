"""Notebooks of the workspace: the folder that JupyterLab shows, and nothing outside of it."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ...contracts.errors import ConflictError, InputError, NotFoundError
from ...ops.settings import Settings

SUFFIX = ".ipynb"
_LONGEST = 5000


def folder(settings: Settings) -> Path:
    """The workspace, without symbolic links. Raises :class:`ConflictError` when the gateway has none."""
    if settings.workspace is None:
        raise ConflictError(
            "this gateway has no folder of notebooks",
            hint="Start it with MILLSTREAM_WORKSPACE set to the folder that JupyterLab shows (`millstream up` does).",
        )
    try:
        return settings.workspace.resolve(strict=True)
    except OSError as error:
        raise NotFoundError("the folder of notebooks is not there", hint="See MILLSTREAM_WORKSPACE.") from error


def notebook(settings: Settings, text: str) -> Path:
    """The notebook at the path ``text`` below the workspace.

    Raises :class:`NotFoundError` for what is not there, and for what stands outside: ``..``, an absolute path and a
    symbolic link lead nowhere.
    """
    root = folder(settings)
    try:
        path = (root / text).resolve()
        inside = path.is_relative_to(root) and path.suffix == SUFFIX and path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError("that is no path of a notebook", hint="GET /api/v1/notebooks/list lists them.") from error
    if not inside:
        raise NotFoundError(f"there is no notebook {text!r}", hint="GET /api/v1/notebooks/list lists them.")
    return path


def notebooks(settings: Settings) -> list[str]:
    """Paths of all notebooks below the workspace, sorted; hidden folders and links that lead out are left out."""
    root = folder(settings)
    return sorted(path.relative_to(root).as_posix() for path in islice(_walk(root), _LONGEST))


def _walk(root: Path) -> Iterator[Path]:
    for folder_, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith((".", "_")) and name != "node_modules")
        for name in sorted(files):
            path = Path(folder_, name)
            if path.suffix == SUFFIX and not name.startswith(".") and path.resolve().is_relative_to(root):
                yield path
