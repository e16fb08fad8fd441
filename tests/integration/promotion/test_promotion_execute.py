"""A bundle executed by papermill's own engine in a fresh kernel."""

import hashlib

import nbformat
import pytest
from support.strategies import code, cross

from millstream.promotion.bundle import BundleStore, Manifest, source_of
from millstream.promotion.execute import REPORT_MIME, ExecutionError, execute

REPORT = f"display({{{REPORT_MIME!r}: {{'strategy': 'Cross', 'fast': fast}}}}, raw=True)"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Execute cells between a parameters cell and a last cell that reports."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("BINANCE_SECRET", "canary")

    def execute_cells(*cells, last=REPORT, **options):
        notebook = cross()
        notebook.cells = [code("fast = 1", "parameters"), *cells, code(last)]
        source = source_of(notebook)
        manifest = Manifest(
            name="cross", notebook_sha256=hashlib.sha256(source).hexdigest(), parameters={"fast": 7}, environment="",
            data_snapshot="", git_commit="", git_dirty=True,
        )  # fmt: skip
        bundle = BundleStore(tmp_path / "{bundles}").add(manifest, source)
        return execute(bundle, tmp_path / "out.ipynb", **options)

    execute_cells.output = tmp_path / "out.ipynb"
    return execute_cells


def statuses(path):
    return [cell.metadata.papermill.status for cell in nbformat.read(path, 4).cells if "papermill" in cell.metadata]


def test_report_of_the_last_cell_is_read_with_the_parameters(run):
    found = run(code("raise RuntimeError", "research"), code("import sys; print(sys.executable)"))

    assert found.report == {"strategy": "Cross", "fast": 7}
    assert statuses(found.notebook) == ["completed", "completed", "skipped", "completed", "completed"]


def test_kernel_is_this_interpreter_in_backtest_mode_without_secrets(run):
    import sys

    check = f"import os, sys\nassert sys.prefix == {sys.prefix!r}\nassert 'BINANCE_SECRET' not in os.environ\n"
    run(code(check + "assert os.environ['MILLSTREAM_RUNTIME'] == 'backtest'"))


def test_cell_that_raises_is_named_with_a_short_traceback_and_the_notebook_kept(run):
    deep = "def f(n):\n    return f(n - 1) if n else 1 / 0\nf(30)"
    with pytest.raises(ExecutionError, match="cell 2 failed: ZeroDivisionError: division by zero") as caught:
        run(code(deep))

    assert len(str(caught.value).splitlines()) < 20
    assert "\x1b" not in str(caught.value)
    assert statuses(caught.value.notebook) == ["completed", "completed", "failed", "skipped"]


def test_cell_that_takes_too_long_is_named(run):
    with pytest.raises(ExecutionError, match="cell 2 did not end within 1 s"):
        run(code("while True: pass"), cell_seconds=1.0)

    assert statuses(run.output) == ["completed", "completed", "failed", "skipped"]


def test_cell_that_kills_the_kernel_is_named(run):
    with pytest.raises(ExecutionError, match="cell 2 killed the kernel"):
        run(code("import os; os.kill(os.getpid(), 9)"))

    assert statuses(run.output) == ["completed", "completed", "failed", "skipped"]


def test_notebook_that_reports_nothing_is_refused(run):
    with pytest.raises(ExecutionError, match="reported nothing"):
        run(last="1")
