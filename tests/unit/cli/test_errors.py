import asyncio
import subprocess
import sys

import psycopg
import pytest

from millstream.cli import errors
from millstream.cli.main import app, call
from millstream.cli.options import DEFAULT_CAPITAL
from millstream.contracts.api.trading import HaltRequest
from millstream.contracts.errors import ConflictError, InputError, NotFoundError
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
    "aiokafka",
    "uvicorn",
}
SERVERS = {"fastapi", "psycopg", "redis"}


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


def test_a_field_that_the_api_would_refuse_is_wrong_input_and_named():
    with pytest.raises(InputError, match=r"reason: .*at least 1"):
        errors.request(HaltRequest, scope="global", reason="")


def test_default_capital_is_the_one_of_a_promotion():
    assert str(deploy.DEFAULT_CAPITAL) == DEFAULT_CAPITAL


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("millstream.cli.main", HEAVY | SERVERS | {"pydantic", "structlog"}),
        ("millstream.cli.main, millstream.cli.remote, millstream.client", HEAVY | SERVERS),
        ("millstream.cli.main, millstream.cli.local", HEAVY),
    ],
)
def test_a_command_loads_nothing_that_it_does_not_need(modules, absent):
    assert app.info.name == "millstream"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert absent & set(done.stdout.split()) == set()
