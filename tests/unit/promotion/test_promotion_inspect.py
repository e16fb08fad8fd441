import pytest
from support.strategies import RUN, code, cross, save

from millstream.contracts.errors import InputError, NotFoundError
from millstream.promotion.inspect import inspect


@pytest.fixture
def inspected(tmp_path):
    return lambda notebook: inspect(save(notebook, tmp_path / "cross.ipynb"))


def test_strategy_notebook_is_read_without_running_it(inspected):
    found = inspected(cross([code("raise RuntimeError('never run')")]))

    assert found.name == "cross"
    assert [one.name for one in found.parameters] == ["symbol", "timeframe", "fast", "slow"]
    assert found.warnings == ()


def test_market_is_found_where_run_is_given_parameters(inspected):
    found = inspected(cross())

    assert found.market_with({"symbol": "SAMPLE:IBM", "timeframe": "1d"}) == (["SAMPLE:IBM"], "1d")
    assert found.market_with({"symbol": ["A", "B"], "timeframe": "1h"}) == (["A", "B"], "1h")


def test_market_is_unknown_where_run_is_given_an_expression(inspected):
    notebook = cross()
    notebook.cells[-1].source = "await run(strategy, find(), timeframe=timeframe)"

    assert inspected(notebook).market_with({"timeframe": "1d"}) is None


def test_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="there is no notebook"):
        inspect(tmp_path / "none.ipynb")


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5}'])
def test_file_that_is_no_notebook_is_refused(tmp_path, content):
    path = tmp_path / "bad.ipynb"
    path.write_text(content)

    with pytest.raises(InputError, match="is not a notebook"):
        inspect(path)


def test_notebook_without_parameters_cell_is_refused(inspected):
    notebook = cross()
    notebook.cells[1].metadata.tags = []

    with pytest.raises(InputError, match="no parameters cell") as caught:
        inspected(notebook)
    assert "'parameters'" in caught.value.hint


def test_two_parameters_cells_are_refused(inspected):
    with pytest.raises(InputError, match="cells 2, 4 are all tagged"):
        inspected(cross([code("a = 1", "parameters")]))


@pytest.mark.parametrize("tag", ["parameter", "Parameters", "researh"])
def test_mistyped_tag_is_refused_with_the_near_match(inspected, tag):
    with pytest.raises(InputError, match=f"has the tag '{tag}'") as caught:
        inspected(cross([code("1", tag)]))
    assert "Did you mean" in caught.value.hint


def test_other_tags_are_left_alone(inspected):
    assert inspected(cross([code("1", "nbval-ignore-output", "hide-input")])).warnings == ()


def test_executed_notebook_is_refused(inspected):
    with pytest.raises(InputError, match="this is an executed notebook"):
        inspected(cross([code("fast = 1", "injected-parameters")]))


@pytest.mark.parametrize("last", ["run(strategy, symbol, timeframe)", "strategy", "await other()"])
def test_notebook_whose_last_cell_does_not_run_the_strategy_is_refused(inspected, last):
    notebook = cross()
    notebook.cells[-1].source = last

    with pytest.raises(InputError, match="last cell does not run"):
        inspected(notebook)


def test_run_in_the_middle_is_refused(inspected):
    with pytest.raises(InputError, match="calls run"):
        inspected(cross([code(RUN)]))


def test_research_cell_may_stand_last(inspected):
    notebook = cross()
    notebook.cells.append(code("await anything()", "research"))

    assert inspected(notebook).name == "cross"


@pytest.mark.parametrize(
    "line", ["from millstream.execution import core", "import millstream.bus.base", "from millstream import store"]
)
def test_import_of_the_platforms_inside_is_refused(inspected, line):
    with pytest.raises(InputError, match="cell 4 imports millstream"):
        inspected(cross([code(line)]))


def test_heavy_import_in_a_live_cell_is_a_warning_and_in_a_research_cell_is_not(inspected):
    assert "cell 4 imports vectorbt" in inspected(cross([code("import vectorbt as vbt")])).warnings[0]
    assert inspected(cross([code("import vectorbt as vbt", "research")])).warnings == ()


def test_magics_and_top_level_await_are_understood(inspected):
    assert inspected(cross([code("%time x = 1\n!true\nawait asyncio.sleep(0)")])).warnings == ()


def test_cell_with_a_syntax_error_is_named(inspected):
    with pytest.raises(InputError, match="cell 4, line 1"):
        inspected(cross([code("def broken(:")]))
