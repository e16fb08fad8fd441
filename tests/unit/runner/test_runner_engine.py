"""The engine, driven by papermill itself."""

import asyncio
import signal
import subprocess
import sys

import nbformat
import papermill
import pytest
from nbformat import v4
from papermill.exceptions import PapermillExecutionError
from support.strategies import code

from millstream.runner.logfile import LogFile


@pytest.fixture
def execute(tmp_path):
    def run(*cells, parameters=None, log=None):
        path = tmp_path / "in.ipynb"
        nbformat.write(v4.new_notebook(cells=list(cells)), path)
        output = tmp_path / "out.ipynb"
        options = {"engine_name": "millstream", "kernel_name": "python3", "language": "python", "progress_bar": False}
        try:
            papermill.execute_notebook(path, output, parameters, log=log, **options)
        except PapermillExecutionError as error:
            return nbformat.read(output, 4), error
        return nbformat.read(output, 4), None

    return run


def statuses(notebook):
    return [cell.metadata.papermill.status for cell in notebook.cells if "papermill" in cell.metadata]


def test_cells_run_in_order_with_parameters_and_outputs_in_nbformats_shape(execute):
    notebook, error = execute(
        code("n = 1", "parameters"),
        code("print('hello'); n + 1"),
        code("import asyncio; await asyncio.sleep(0); {'a': n}"),
        parameters={"n": 41},
    )

    assert error is None
    nbformat.validate(notebook)
    stream, result = notebook.cells[2].outputs
    assert (stream.text, result.data["text/plain"], result.execution_count) == ("hello\n", "42", 3)
    assert statuses(notebook) == ["completed"] * 4
    assert notebook.metadata.millstream.status == "completed"


def test_research_cell_is_skipped(execute):
    notebook, error = execute(code("x = 1"), code("raise RuntimeError", "research"), code("x"))

    assert error is None
    assert statuses(notebook) == ["completed", "skipped", "completed"]


def test_cell_that_raises_fails_and_what_is_behind_it_is_skipped(execute):
    notebook, error = execute(code("x = 1"), code("def f():\n    raise ValueError('no')\nf()"), code("x"))

    assert (error.ename, error.evalue) == ("ValueError", "no")
    assert statuses(notebook) == ["completed", "failed", "skipped"]
    failed = next(cell for cell in notebook.cells if cell.get("outputs"))
    assert "ValueError" in "".join(failed.outputs[0].traceback)


def test_syntax_error_is_an_error_of_its_cell(execute):
    notebook, error = execute(code("def broken(:"))

    assert error.ename == "SyntaxError"
    assert statuses(notebook) == ["failed"]


def test_exit_is_an_error_unless_it_means_success(execute):
    with pytest.warns(UserWarning, match="To exit"):
        assert execute(code("raise SystemExit(3)"))[1].ename == "SystemExit"


def test_output_that_cannot_be_stored_does_not_end_the_notebook(execute):
    bad = "class Bad:\n    def _repr_mimebundle_(self, **_):\n        return {'application/json': object()}\nBad()"
    notebook, error = execute(code(bad), code("1"))

    assert error is None
    assert "could not be stored" in notebook.cells[0].outputs[0].data["application/json"]


def test_display_in_an_earlier_cell_can_be_updated_by_a_later_one(execute):
    first = "from IPython.display import display\nh = display('a', display_id=True)"
    notebook, _ = execute(code(first), code("h.update('b')"))

    assert notebook.cells[0].outputs[0].data["text/plain"] == "'b'"
    assert notebook.cells[1].outputs == []


def test_everything_printed_is_in_the_log(execute, tmp_path):
    log = LogFile(tmp_path / "runner.log")
    notebook, _ = execute(code("for n in range(20_000): print('line', n)"), log=log)
    log.close()

    assert len((tmp_path / "runner.log").read_text().splitlines()) == 20_000
    assert len(notebook.cells[0].outputs[-1].text) <= 20_000


@pytest.mark.parametrize("source", ["await asyncio.sleep(60)", "while True: len([])"])
def test_sigterm_stops_the_cell_and_the_notebook_says_so(execute, source):
    stop = "import asyncio, os, signal\nos.kill(os.getpid(), signal.SIGTERM)"
    # Python 3.11 takes a signal in the first loop of a try block as one before the block: something stands before it.
    cleanup = f"{stop}\ntry:\n    x = 1\n    {source}\nfinally:\n    print('cleaned up')"
    notebook, error = execute(code("1"), code(cleanup), code("2"))

    assert error is None
    assert statuses(notebook) == ["completed", "stopped", "skipped"]
    assert notebook.cells[1].outputs[0].text == "cleaned up\n"
    assert notebook.metadata.millstream == {"status": "stopped", "signal": "SIGTERM"}
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_cell_that_cancels_itself_fails(execute):
    notebook, error = execute(code("import asyncio\nraise asyncio.CancelledError"))

    assert error.ename == "CancelledError"
    assert statuses(notebook) == ["failed"]


def test_shell_is_gone_afterwards(execute):
    execute(code("1"))

    from IPython import get_ipython

    assert get_ipython() is None
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


@pytest.mark.parametrize("first", ["papermill", "millstream.runner.engine"])
def test_engine_is_found_whichever_is_imported_first(first):
    check = (
        f"import {first}; from papermill.engines import papermill_engines as e;"
        "assert e.get_engine('millstream').__name__ == 'MillstreamEngine'"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)
