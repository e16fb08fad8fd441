from pathlib import Path

import pytest

from millstream.cli import main
from millstream.cli.main import call
from millstream.cli.where import Where, token, where
from millstream.contracts.errors import InputError

URL = "http://gateway"
TOKEN = "MILLSTREAM_TOKEN"


@pytest.fixture(autouse=True)
def no_gateway(monkeypatch):
    for name in ("MILLSTREAM_URL", TOKEN):
        monkeypatch.delenv(name, raising=False)


def test_an_address_from_the_environment_counts_unless_this_machine_is_asked_for():
    assert where(URL, None, local=False, asked=False).url == URL
    assert where(URL, None, local=True, asked=False) == Where()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": URL, "token_file": None, "local": True, "asked": True}, "--local is this machine"),
        ({"url": URL, "token_file": Path("t"), "local": True, "asked": False}, "--local is this machine"),
        ({"url": "", "token_file": Path("t"), "local": False, "asked": False}, "none is named"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        where(**options)


def test_the_token_of_a_file_wins_over_that_of_the_environment(tmp_path):
    file = tmp_path / "token"
    file.write_text("from a file\n")
    environment = {TOKEN: "of the environment"}
    assert token(Where(url=URL, token_file=file), environment) == "from a file"
    assert token(Where(url=URL), environment) == "of the environment"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (Where(url=URL), f"{TOKEN} is empty"),
        (Where(url=URL, token_file=Path("absent")), "absent cannot be read"),
        (Where(url="gateway:8000"), "no address of a gateway"),
    ],
)
def test_without_a_token_or_an_address_nothing_is_asked(place, says):
    with pytest.raises(InputError, match=says) as refused:
        token(place, {})
    assert refused.value.hint


@pytest.mark.parametrize(
    "words", [("up",), ("down",), ("doctor",), ("demo",), ("data", "list"), ("backtest", "x.ipynb")]
)
def test_a_command_of_this_machine_alone_refuses_an_address(words, capsys):
    assert call(("--url", URL, *words)) == 2
    printed = " ".join(capsys.readouterr().err.split())
    assert f"`millstream {words[0]}` works on this machine alone" in printed
    assert "halt" in printed


def test_a_command_without_a_token_names_both_ways_to_give_one(capsys):
    assert call(("--url", URL, "orders")) == 2
    printed = capsys.readouterr().err
    assert TOKEN in printed
    assert "--token-file" in printed


def test_no_option_takes_a_token_where_the_list_of_processes_would_show_it():
    import typer

    options = {one for parameter in typer.main.get_command(main.app).params for one in parameter.opts}
    assert {"--url", "--token-file", "--local"} <= options
    assert "--token" not in options
