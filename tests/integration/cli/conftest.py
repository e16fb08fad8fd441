"""The command line in this process, on the session's servers and a database of its own."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from millstream.cli.main import call

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def millstream(monkeypatch, tmp_path, database, redis_url, capsys) -> Callable[..., Done]:
    """``millstream("data", "list")`` runs that command in the checkout."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("MILLSTREAM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", database())
    monkeypatch.setenv("MILLSTREAM_REDIS_URL", redis_url)
    monkeypatch.setenv("MILLSTREAM_NAMESPACE", f"cli-{secrets.token_hex(4)}")

    def run(*words: str) -> Done:
        capsys.readouterr()
        code = call(words)
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err)

    return run
