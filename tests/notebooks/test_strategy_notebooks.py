"""What makes a notebook a strategy notebook: its tags, its imports, its last cell."""

import ast
import sys
from pathlib import Path

import nbformat
import pytest

STRATEGIES = sorted((Path(__file__).resolve().parents[2] / "strategies").glob("*.ipynb"))
ALLOWED = {"millstream.sdk", "millstream.research", "pandas", "numpy", "talib"}
ALLOWED_IN_RESEARCH = ALLOWED | {"hvplot", "holoviews", "ipywidgets"}
LAST_CELL = "await run(strategy, symbol, timeframe)"


@pytest.fixture(params=STRATEGIES, ids=lambda path: path.stem)
def cells(request):
    return nbformat.read(request.param, as_version=4).cells


def tags(cell):
    return cell.metadata.get("tags", [])


def code(cells, *, research):
    return [cell for cell in cells if cell.cell_type == "code" and ("research" in tags(cell)) is research]


def modules(cell):
    tree = ast.parse(cell.source, mode="exec") if "await" not in cell.source else ast.parse("")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def foreign(names, allowed):
    standard = sys.stdlib_module_names
    return [
        name
        for name in names
        if name.split(".")[0] not in standard and name not in allowed and name.split(".")[0] not in allowed
    ]


def test_there_are_strategies():
    assert {path.stem for path in STRATEGIES} >= {
        "sma_cross",
        "rsi_reversion",
        "momentum_rotation",
        "breakout_events",
    }


def test_tags_are_known_and_on_code_cells_only(cells):
    for cell in cells:
        assert set(tags(cell)) <= ({"parameters", "research"} if cell.cell_type == "code" else set())


def test_one_parameters_cell_of_plain_assignments_stands_first(cells):
    (parameters,) = [cell for cell in cells if "parameters" in tags(cell)]
    assert parameters is next(cell for cell in cells if cell.cell_type == "code")
    names = []
    for statement in ast.parse(parameters.source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
        names += [target.id for target in statement.targets]
    assert {"symbol", "timeframe"} <= set(names)


def test_last_cell_runs_the_strategy(cells):
    assert cells[-1].source.strip() == LAST_CELL
    assert tags(cells[-1]) == []


def test_imports_stay_within_the_sdk_and_research(cells):
    always = [name for cell in code(cells, research=False) for name in modules(cell)]
    research = [name for cell in code(cells, research=True) for name in modules(cell)]
    assert foreign(always, ALLOWED) == []
    assert foreign(research, ALLOWED_IN_RESEARCH) == []


def test_cells_that_always_run_do_not_need_research(cells):
    names = [name for cell in code(cells, research=False) for name in modules(cell)]
    assert "millstream.research" not in names


def test_strategy_teaches(cells):
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert sum(cell.cell_type == "markdown" for cell in cells) >= 4
