import pytest
from IPython.core.completer import provisionalcompleter
from unit.kernel_ext.conftest import DEPLOYMENT, problem

from millstream_kernel import load_ipython_extension
from millstream_kernel.magics import COMMANDS
from millstream_kernel.magics.completion import Completer


@pytest.fixture
def complete(notebook, monkeypatch, tmp_path):
    (tmp_path / "strategies").mkdir()
    for name in ("sma_cross.ipynb", "rsi.ipynb", ".hidden.ipynb"):
        (tmp_path / "strategies" / name).touch()
    monkeypatch.setenv("JUPYTER_SERVER_ROOT", str(tmp_path))
    notebook.gateway.answers |= {
        "GET /deployments": {"items": [DEPLOYMENT]},
        "GET /notebooks": {"notebook": "n", "name": "n", "parameters": [{"name": "fast", "kind": "int", "default": 1}]},
        "GET /instruments": problem(503, "UNAVAILABLE", "no database", ""),
    }
    completer = Completer(notebook.magics.session)

    def run(line: str, cell: str = "") -> list[str]:
        word, found = completer.complete(cell or line, line)
        assert line.endswith(word)
        return found

    return run


def test_commands_are_completed(complete):
    assert complete("%ms pro") == ["promote"]
    assert set(complete("%ms ")) == set(COMMANDS)
    assert complete("%%ms sw") == ["sweep"]


def test_options_are_completed(complete):
    assert complete("%ms halt --re") == ["--reason", "--reduce-only"]
    assert complete("%ms nonsense --re") == []


def test_notebooks_are_completed_as_jupyterlab_names_them(complete):
    assert complete("%ms promote str") == ["strategies/rsi.ipynb", "strategies/sma_cross.ipynb"]


def test_deployments_are_completed_as_argument_and_after_their_option(complete):
    assert complete("%ms attach sma") == ["sma_cross"]
    assert complete("%ms orders -d ") == ["sma_cross"]
    assert complete("%ms deployments s") == ["sma_cross"]


def test_parameters_of_the_named_notebook_are_completed(complete):
    assert complete("%ms promote strategies/rsi.ipynb -p f") == ["fast="]
    assert complete("%ms promote -p f") == []


def test_parameters_are_completed_in_the_cell(complete):
    cell = "%%ms promote strategies/rsi.ipynb\nf"
    assert complete("f", cell) == ["fast="]
    assert complete("    f", cell) == []
    assert complete("f", "f") == []


def test_targets_are_completed(complete):
    assert complete("%ms promote x.ipynb --to p") == ["paper"]


def test_a_gateway_that_does_not_answer_completes_nothing(complete):
    assert complete("%ms orders -i S") == []


def test_without_a_gateway_words_are_still_completed(complete, monkeypatch):
    monkeypatch.delenv("MILLSTREAM_URL")
    assert complete("%ms attach ") == []
    assert complete("%ms att") == ["attach"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("%ms pos", {"positions"}),
        ("%%ms pro", {"promote"}),
        ("%ms halt --red", {"--reduce-only"}),
        ("%ms promote strategies/s", {"strategies/sma_cross.ipynb"}),
        ("%ms promote strategies/rsi.ipynb -p f", {"fast="}),
        ("%ms attach ", {"sma_cross"}),
    ],
)
@pytest.mark.usefixtures("complete")
def test_tab_in_a_shell_offers_what_fits_and_nothing_else(notebook, line, found):
    load_ipython_extension(notebook.shell)
    load_ipython_extension(notebook.shell)
    session = notebook.shell.magics_manager.registry["MillstreamMagics"].session
    session.client = session.quick_client = notebook.magics.session.client
    with provisionalcompleter():
        offered = {one.text for one in notebook.shell.Completer.completions(line, len(line))}
    assert offered == found
