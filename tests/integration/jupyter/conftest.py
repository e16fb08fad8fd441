"""A real gateway with its people, a JupyterLab and a trader app before it: each a process, once a session."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from support.servers import temporary_home

from millstream.bootstrap import ensure_database
from millstream.contracts.api.identity import NewUser, Role
from millstream.gateway.auth import people
from millstream.ops.settings import Settings
from millstream.store.database import connect_sync

REPOSITORY = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery"
PEOPLE = {"vera": Role.VIEWER, "tom": Role.TRADER, "rita": Role.RESEARCHER, "olga": Role.OPERATOR}
START_SECONDS = 120


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def request(method: str, url: str, *, headers: dict[str, str] | None = None, body: Any = None) -> Answer:
    """Ask, follow no redirect, and give whatever is answered."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})} if data else headers or {}
    asked = urllib.request.Request(url, data, sent, method=method)
    try:
        with urllib.request.build_opener(_NoRedirect).open(asked, timeout=60) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())


@dataclass
class World:
    """Where everything is, and a way to log in."""

    home: Path
    workspace: Path
    ports: dict[str, int]
    environment: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def bearer(self, user: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user)}"}

    def cookie(self, user: str) -> dict[str, str]:
        return {"Cookie": f"millstream_access={self.token(user)}"}

    def token(self, user: str) -> str:
        """The access token of one login of ``user``, the same for a whole session of tests."""
        if user not in self.tokens:
            self.tokens[user] = self.log_in(user)
        return self.tokens[user]

    def log_in(self, user: str) -> str:
        answer = request("POST", f"{self.url('gateway')}/api/v1/session", body={"user": user, "password": PASSWORD})
        assert answer.status == 200, answer.body
        return answer.json["access_token"]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running gateway."""
    with temporary_home() as home:
        _add_people(home)
        workspace = tmp_path_factory.mktemp("workspace")
        names = ("gateway", "stream", "monitor", "trader", "lab")
        made = World(home, workspace, _free_ports(names), {})
        made.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MILLSTREAM_", "JUPYTER_"))},
            **{f"MILLSTREAM_{name.upper()}_PORT": str(port) for name, port in made.ports.items()},
            "MILLSTREAM_HOME": str(home),
            "MILLSTREAM_URL": made.url("gateway"),
            "MILLSTREAM_WORKSPACE": str(workspace),
        }
        with running(made, "gateway", ["-m", "millstream.gateway"], f"{made.url('gateway')}/login"):
            yield made


@pytest.fixture(scope="session")
def lab(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Jupyter server that the extension's configuration made ours, with secrets in its environment."""
    arguments = [
        "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={world.ports['lab']}",
        "--ServerApp.port_retries=0", f"--ServerApp.root_dir={world.workspace}", "--ServerApp.allow_root=True",
        "--LabApp.extension_manager=readonly", "--IdentityProvider.token=a-static-token",
    ]  # fmt: skip
    more = {
        "JUPYTER_CONFIG_PATH": str(REPOSITORY / "kernel_ext" / "etc" / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(tmp_path_factory.mktemp("jupyter")),
        "JUPYTER_TOKEN": "a-static-token",
        "BINANCE_SECRET": "canary",
        "MILLSTREAM_SESSION_KEY": "canary",
    }
    with running(world, "lab", arguments, f"{world.url('lab')}/login", more):
        yield world.url("lab")


@pytest.fixture(scope="session")
def trader(world: World) -> Iterator[str]:
    """Address of the trader app, with a preheated kernel."""
    with running(world, "trader", ["-m", "millstream_dashboards.trader"], f"{world.url('trader')}/login"):
        yield world.url("trader")


@contextlib.contextmanager
def running(
    world: World, name: str, arguments: list[str], probe: str, more: dict[str, str] | None = None
) -> Iterator[None]:
    """A process that answers at ``probe``, ended at the end; its log is shown when it does not start."""
    log = world.home / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=world.workspace, env={**world.environment, **(more or {})}, stdout=output,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait(process, probe, log)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", probe: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            request("GET", probe)
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{probe} does not answer:\n{log.read_text()}")


def _free_ports(names: tuple[str, ...]) -> dict[str, int]:
    with contextlib.ExitStack() as stack:
        found = {}
        for name in names:
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found[name] = probe.getsockname()[1]
        return found


def _add_people(home: Path) -> None:
    password_hash = PasswordHasher().hash(PASSWORD)
    with connect_sync(ensure_database(Settings(_env_file=None, home=home))) as conn:
        for user, role in PEOPLE.items():
            people.add(conn, NewUser(user=user, role=role), datetime.now(UTC), password_hash=password_hash)
        conn.commit()
