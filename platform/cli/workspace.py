"""The folder that JupyterLab opens: strategies and notebooks of the user."""

from pathlib import Path

from ..contracts.errors import InputError
from ..ops.settings import Settings

FOLDERS = ("strategies", "notebooks")


def workspace(settings: Settings, wanted: Path | None) -> Path:
    """``wanted``, else the present directory when it has ``strategies/``, else ``workspace/`` in the home directory.

    Raises :class:`InputError` when ``wanted`` is not a directory.
    """
    if wanted is not None:
        if not wanted.is_dir():
            raise InputError(f"{wanted} is not a directory", hint="Name the folder that holds your strategies/.")
        return wanted.resolve()
    here = Path.cwd()
    if (here / "strategies").is_dir():
        return here
    own = settings.home / "workspace"
    for folder in FOLDERS:
        (own / folder).mkdir(parents=True, exist_ok=True)
    return own
