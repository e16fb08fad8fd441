import pytest
from IPython.core.interactiveshell import InteractiveShell

from millstream_kernel import magics


@pytest.fixture
def ms(monkeypatch):
    """``%ms`` of a shell, and the commands that it ran."""
    commands = []
    monkeypatch.setattr(magics, "run_command", commands.append)
    return magics.MillstreamMagics(shell=InteractiveShell()).ms, commands


def test_a_command_keeps_its_words_and_quotes(ms):
    run, commands = ms
    run("halt --global --reason 'two words'")
    assert commands == [["halt", "--global", "--reason", "two words"]]


def test_status_is_deployments(ms):
    run, commands = ms
    run("status --json")
    assert commands == [["deployments", "--json"]]


@pytest.mark.parametrize("line", ["", "help"])
def test_without_a_command_every_command_is_listed(ms, line, capsys):
    run, commands = ms
    run(line)
    assert commands == []
    printed = capsys.readouterr().out
    assert all(f"%ms {name}" in printed for name in magics.COMMANDS)


@pytest.mark.parametrize(("line", "says"), [("demo", "not offered"), ("halt --reason 'open", "cannot read")])
def test_a_line_that_cannot_run_says_why(ms, line, says, capsys):
    run, commands = ms
    run(line)
    assert commands == []
    assert says in capsys.readouterr().err


def test_a_notebook_is_found_from_the_root_of_jupyterlab(ms, monkeypatch, tmp_path):
    run, commands = ms
    (tmp_path / "strategies").mkdir()
    file = tmp_path / "strategies" / "mine.ipynb"
    file.touch()
    monkeypatch.setenv("JUPYTER_SERVER_ROOT", str(tmp_path))
    run("promote strategies/mine.ipynb")
    run("promote strategies/absent.ipynb")
    assert commands == [["promote", str(file)], ["promote", "strategies/absent.ipynb"]]
