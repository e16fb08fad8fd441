"""What the runs of a deployment left behind: one folder for each epoch of its runners."""

from pathlib import Path

from ..contracts.errors import NotFoundError

NOTEBOOK = "notebook.ipynb"


def run_folder(home: Path, deployment_id: str, epoch: int) -> Path:
    """Where the executed notebook, the log and the outcome of one epoch stand."""
    return home / "runs" / deployment_id / f"{epoch:04d}"


def list_runs(home: Path, deployment_id: str) -> list[int]:
    """The epochs whose executed notebook is kept, the newest first."""
    folders = (home / "runs" / deployment_id).glob("[0-9]*")
    return sorted(
        (int(one.name) for one in folders if one.name.isdecimal() and (one / NOTEBOOK).exists()), reverse=True
    )


def executed_notebook(home: Path, deployment_id: str, epoch: int) -> Path:
    """The executed notebook of one epoch. Raises :class:`NotFoundError` naming those that are kept."""
    file = run_folder(home, deployment_id, epoch) / NOTEBOOK
    if not file.is_file():
        kept = ", ".join(map(str, list_runs(home, deployment_id))) or "none yet"
        raise NotFoundError(f"there is no run {epoch} of {deployment_id}", hint=f"Kept runs: {kept}.")
    return file
