"""Notebooks are committed without outputs, except the references that nbval compares."""

from pathlib import Path

import nbformat
import pytest

# Relative paths of notebooks whose stored outputs nbval compares.
REFERENCES: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def notebooks(repository_files) -> list[Path]:
    return [path for path in repository_files if path.suffix == ".ipynb"]


def test_notebooks_are_valid(notebooks):
    for path in notebooks:
        nbformat.validate(nbformat.read(path, as_version=4))


def test_notebooks_hold_no_outputs(repository, notebooks):
    stored = [
        f"{path.relative_to(repository)}: cell {index}"
        for path in notebooks
        if str(path.relative_to(repository)) not in REFERENCES
        for index, cell in enumerate(nbformat.read(path, as_version=4).cells)
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None)
    ]
    assert stored == []


def test_notebooks_hold_no_widget_state(repository, notebooks):
    stateful = [
        str(path.relative_to(repository))
        for path in notebooks
        if "widgets" in nbformat.read(path, as_version=4).metadata
    ]
    assert stateful == []


def test_reference_notebooks_exist_and_hold_outputs(repository):
    for name in REFERENCES:
        notebook = nbformat.read(repository / name, as_version=4)
        assert any(cell.get("outputs") for cell in notebook.cells), name
