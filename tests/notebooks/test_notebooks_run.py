"""Every notebook runs from top to bottom on a new installation."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from millstream.promotion.kernel import fresh_kernel

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted([*REPOSITORY.glob("strategies/*.ipynb"), *REPOSITORY.glob("notebooks/*.ipynb")])
STRATEGIES = [path for path in NOTEBOOKS if path.parent.name == "strategies"]


async def execute(path, folder):
    notebook = nbformat.read(path, as_version=4)
    with fresh_kernel(os.environ) as manager:
        client = NotebookClient(
            notebook, timeout=240, kernel_manager_class=manager, resources={"metadata": {"path": str(folder)}}
        )
        await client.async_execute()
    return notebook


def shown(cell):
    return {kind for output in cell.outputs for kind in output.get("data", {})}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
async def test_notebook_runs_from_top_to_bottom(path, installation, tmp_path):
    notebook = await execute(path, tmp_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    problems = [
        output.text
        for cell in code
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert problems == []
    assert "cdn.holoviz.org" not in nbformat.writes(notebook)  # what is drawn here is nobody else's business
    kinds = set().union(*map(shown, code))
    assert "application/vnd.holoviews_exec.v0+json" in kinds
    if path in STRATEGIES:
        assert "application/vnd.jupyter.widget-view+json" in kinds
        assert "Preflight" in code[-1].outputs[-1].data["text/plain"]
