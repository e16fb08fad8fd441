"""Cells are numbered as in the source: papermill adds cells of its own to an executed notebook."""

from pathlib import Path
from typing import Any

import nbformat

_ADDED = frozenset({"injected-parameters", "papermill-error-cell-tag"})


def source_number(notebook: Any, index: int) -> int:
    """The number, from 1, that the cell at ``index`` of an executed notebook has in its source."""
    return sum(1 for cell in notebook.cells[: index + 1] if not _ADDED.intersection(cell.metadata.get("tags", [])))


def failed_cell(executed: Path) -> str:
    """``"cell 3"`` for the cell of an executed notebook that failed; ``"a cell"`` where none says so."""
    notebook = nbformat.read(executed, as_version=4)
    for index, cell in enumerate(notebook.cells):
        if cell.metadata.get("papermill", {}).get("exception"):
            return f"cell {source_number(notebook, index)}"
    return "a cell"
