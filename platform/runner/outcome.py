"""How a runner ended: written by itself in a file, so that it can be told without any server."""

from pathlib import Path
from typing import Any

import msgspec
import nbformat
from nbformat import v4

from ..contracts.enums import RunnerState
from ..promotion.files import write_atomic
from ..promotion.numbering import source_number
from .statuses import CellStatus, RunStatus


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """``state`` is ``completed``, ``stopped`` or ``failed``; ``message`` says why, for people."""

    state: RunnerState
    message: str = ""


def write_outcome(path: Path, outcome: Outcome) -> None:
    """Store how the runner ended, durably."""
    write_atomic(path, msgspec.json.encode(outcome))


def read_outcome(path: Path) -> Outcome | None:
    """What the runner said in the end; ``None`` when it was killed before it could."""
    return msgspec.json.decode(path.read_bytes(), type=Outcome) if path.exists() else None


def mark_dead(path: Path, message: str) -> str:
    """Make the notebook of a killed runner say the truth: its running cell failed, with ``message`` as the error.

    Returns which cell that was (``"cell 3"``, as the source counts), empty when none was running or there is no file.
    """
    if not path.exists():
        return ""
    notebook = nbformat.read(path, as_version=4)
    where = running_cell(notebook)
    for cell in notebook.cells:
        meta = cell.metadata.get("papermill", {})
        if meta.get("status") == CellStatus.RUNNING:
            meta["status"], meta["exception"] = str(CellStatus.FAILED), True
            cell.outputs.append(v4.new_output("error", ename="RunnerKilled", evalue=message, traceback=[message]))
        elif meta.get("status") == CellStatus.PENDING:
            meta["status"] = str(CellStatus.SKIPPED)
    notebook.metadata.setdefault("papermill", {})["exception"] = True
    notebook.metadata["millstream"] = {"status": str(RunStatus.FAILED), "signal": ""}
    write_atomic(path, v4.writes_json(notebook).encode())
    return where


def running_cell(notebook: Any) -> str:
    """``"cell 3"`` for the cell that is running, as the source counts; empty when none is."""
    for index, cell in enumerate(notebook.cells):
        if cell.metadata.get("papermill", {}).get("status") == CellStatus.RUNNING:
            return f"cell {source_number(notebook, index)}"
    return ""
