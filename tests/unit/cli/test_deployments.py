import pytest
from rich.console import Console

from millstream.cli import deployments
from millstream.contracts.api.promotion import LogText
from millstream.contracts.errors import NotFoundError, RetriableError


class Log:
    """A platform whose log gives these parts (or raises these errors), then is interrupted."""

    def __init__(self, *parts):
        self.parts = [*parts, KeyboardInterrupt()]
        self.asked: list[int] = []

    def log(self, deployment, *, lines, after=0):
        assert (deployment, lines) == ("sma_cross", 5)
        self.asked.append(after)
        found = self.parts.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found


@pytest.fixture
def printed(monkeypatch):
    console = Console(record=True, width=80)
    monkeypatch.setattr(deployments, "console", console)
    monkeypatch.setattr(deployments, "errors", Console(stderr=True, width=200))
    monkeypatch.setattr(deployments, "FOLLOW_SECONDS", 0.0)
    return console.export_text


def follow(log):
    deployments._follow(log, "sma_cross", 5)


def test_a_followed_log_goes_on_where_it_was_and_over_a_passing_fault(printed, capsys):
    away = RetriableError("the gateway does not answer")
    log = Log(LogText(text="a\n[b]\n", next=7), LogText(text="", next=7), away, away, LogText(text="c\n", next=9))
    with pytest.raises(KeyboardInterrupt):
        follow(log)
    assert log.asked == [0, 7, 7, 7, 7, 9]
    assert printed() == "a\n[b]\nc\n"
    assert capsys.readouterr().err.count("does not answer") == 1


@pytest.mark.parametrize("error", [NotFoundError("it has not run yet"), RetriableError("away")])
def test_a_log_that_cannot_be_read_at_first_is_an_error(printed, error):
    with pytest.raises(type(error)):
        follow(Log(error))
    assert printed() == ""
