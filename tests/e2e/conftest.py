"""Running the ``millstream`` command as a user does, each test on a home directory of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Cli:
    """The command line on one home directory, run in the checkout. ``environment`` is added to this process's own."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("MILLSTREAM_")}
        return {**inherited, "MILLSTREAM_HOME": str(self.home), "COLUMNS": "200", **self.environment}

    def start(self, *words: str, **options: Any) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "millstream.cli", *words],
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **{"cwd": REPOSITORY, **options},
        )

    def run(self, *words: str, seconds: float = 240) -> "subprocess.CompletedProcess[str]":
        process = self.start(*words)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def json(self, *words: str, code: int = 0, seconds: float = 240) -> Any:
        """The JSON that a command printed; its exit code must be ``code``."""
        done = self.run(*words, "--json", seconds=seconds)
        assert done.returncode == code, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def processes(self) -> list[str]:
        """Command lines of every process that belongs to this home directory."""
        return [" ".join(process.info["cmdline"]) for process in self._processes()]

    def end_all(self) -> None:
        """Kill what a failed test left behind: only processes that name this home directory."""
        for process in self._processes():
            process.kill()

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            if process.pid == os.getpid():
                continue
            words, environment = process.info["cmdline"] or [], process.info["environ"] or {}
            if environment.get("MILLSTREAM_HOME") == str(self.home) or any(str(self.home) in word for word in words):
                found.append(process)
        return found


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@contextmanager
def new_home() -> Iterator[Cli]:
    home = Path(tempfile.mkdtemp(prefix="ms-"))
    home.chmod(0o755)
    client = Cli(home)
    try:
        yield client
        client.run("down")
    finally:
        client.end_all()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def cli() -> Iterator[Cli]:
    with new_home() as client:
        yield client


@pytest.fixture(scope="module")
def shared_cli() -> Iterator[Cli]:
    """One home directory for all tests of a module."""
    with new_home() as client:
        yield client
