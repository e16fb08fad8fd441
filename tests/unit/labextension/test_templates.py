"""A new strategy from a template can be promoted as it is."""

import shutil

import pytest
from support.labextension import SOURCES

from millstream.promotion.inspect import inspect

TEMPLATES = sorted((SOURCES / "src" / "templates").glob("*.json"))


@pytest.fixture(params=TEMPLATES, ids=lambda path: path.stem)
def notebook(request, tmp_path):
    return shutil.copy(request.param, tmp_path / f"{request.param.stem}.ipynb")


def test_there_is_a_vectorised_and_an_event_driven_template():
    assert [path.stem for path in TEMPLATES] == ["events", "vectorised"]


def test_template_passes_the_inspection_of_a_promotion_without_a_warning(notebook):
    found = inspect(notebook)
    assert found.warnings == ()
    assert {"symbol", "timeframe", "lookback", "allocation"} <= {one.name for one in found.parameters}
    parameters = {one.name: one.default for one in found.parameters}
    assert found.market_with(parameters) == (["AAPL"], "1d")


def test_template_has_no_outputs(notebook):
    cells = inspect(notebook).notebook.cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
