import asyncio
import subprocess
import sys

import psycopg
import pytest

from millstream.cli import errors
from millstream.cli.main import app, call
from millstream.cli.options import DEFAULT_CAPITAL
from millstream.contracts.errors import ConflictError, NotFoundError
from millstream.promotion import deploy

HEAVY = {
    "pandas",
    "numpy",
    "nbformat",
    "IPython",
    "papermill",
    "vectorbt",
    "alembic",
    "sqlalchemy",
    "redis",
    "aiokafka",
}


def fail(error: BaseException):
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (NotFoundError("there is no x", hint="Make one."), 3, "what to do: Make one."),
        (ConflictError("taken"), 4, "error: taken"),
        (psycopg.OperationalError("gone"), 5, "a server failed"),
        (PermissionError(13, "denied", "/x"), 6, "permissions"),
        (ZeroDivisionError("oops"), 6, "--debug"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_becomes_a_message_and_its_exit_code(error, code, says, capsys):
    with pytest.raises(SystemExit) as ended:
        errors.exit_reporting(fail(error))
    assert ended.value.code == code
    printed = capsys.readouterr()
    assert says in " ".join(printed.err.split())
    assert printed.out == ""


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_DEBUG", "1")
    with pytest.raises(NotFoundError):
        errors.exit_reporting(fail(NotFoundError("there is no x")))


async def test_a_command_runs_inside_a_loop_that_already_runs():
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert errors.run_async(answer()) == 42


def test_call_returns_the_exit_code_of_a_wrong_command():
    assert call(["absent"]) == 2
    assert call(["--version"]) == 0


def test_default_capital_is_the_one_of_a_promotion():
    assert str(deploy.DEFAULT_CAPITAL) == DEFAULT_CAPITAL


def test_help_loads_nothing_heavy():
    assert app.info.name == "millstream"
    code = "import sys, millstream.cli.main, millstream.execution.queries, millstream.promotion.queries, "
    code += "millstream.market.series, millstream.bootstrap; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()
