"""The apps that are measured: the trader app before a real gateway with accounts, and a bare Voila."""

import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
from argon2 import PasswordHasher

from millstream.contracts.api.identity import NewUser, Role
from millstream.contracts.time import to_datetime
from millstream.gateway.auth import people
from millstream.ops.clock import WallClock

from ..load import open_accounts
from ..servers import Servers

HELLO = Path(__file__).with_name("hello.ipynb")
POOL = 2
PATIENCE = 180.0
# A pool that was filled is still importing; it is at rest when its kernels used no processor for this long.
REST_SECONDS = 0.5
USER, PASSWORD = "bench", secrets.token_urlsafe(24)
clock = WallClock()


@dataclass(slots=True)
class App:
    """A running app. ``stands`` is the selector of what is there when a page is, ``visits`` how many it gave."""

    name: str
    url: str
    stands: str
    cookies: Mapping[str, str]
    process: subprocess.Popen[bytes]
    log: Path
    visits: int = 0

    def rest(self) -> None:
        """Wait until its pool is full again, and the kernels have nothing more to prepare."""
        _until(lambda: self.log.read_text(errors="replace").count("is filled with") > self.visits, self.name)
        before = -1.0
        while before != (now := self._used()):
            before = now
            clock.block(REST_SECONDS)

    def kernels(self) -> list[psutil.Process]:
        """Its kernels."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in children if "ipykernel_launcher" in one.cmdline()]

    def weight_mb(self, kernel_id: str) -> float:
        """Proportional set size of one kernel."""
        [kernel] = [one for one in self.kernels() if any(kernel_id in part for part in one.cmdline())]
        text = Path(f"/proc/{kernel.pid}/smaps_rollup").read_text()
        return int(re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[0]) / 1024

    def _used(self) -> float:
        # To a tenth of a second: a kernel at rest answers a heartbeat now and then.
        return round(sum(sum(one.cpu_times()[:2]) for one in self.kernels()), 1)


@contextmanager
def trader(servers: Servers) -> Iterator[App]:
    """The trader app as ``up`` starts it, before a gateway with twenty deployments."""
    open_accounts(servers.dsn)
    with psycopg.connect(servers.dsn) as conn:
        hashed = PasswordHasher().hash(PASSWORD)
        people.add(conn, NewUser(user=USER, role=Role.TRADER), to_datetime(clock.now()), password_hash=hashed)
    ports = dict(zip(("GATEWAY", "STREAM", "TRADER"), _free_ports(3), strict=True))
    base = f"http://127.0.0.1:{ports['GATEWAY']}"
    environment = {
        **servers.environment(),
        **{f"MILLSTREAM_{name}_PORT": str(port) for name, port in ports.items()},
        "MILLSTREAM_URL": base,
        "MILLSTREAM_LOG_LEVEL": "warning",
    }
    url = f"http://127.0.0.1:{ports['TRADER']}/"
    with (
        _serving(servers.home / "gateway.log", ["millstream.gateway"], environment, f"{base}/login"),
        _serving(servers.home / "trader.log", ["millstream_dashboards.trader"], environment, f"{url}login") as process,
    ):
        cookies = {"millstream_access": _log_in(base)}
        yield App("trader app", url, ".ms-desk table tbody tr", cookies, process, servers.home / "trader.log")


@contextmanager
def hello(home: Path) -> Iterator[App]:
    """Voila as it comes, with a notebook of one widget."""
    [port] = _free_ports(1)
    command = [
        "voila", str(HELLO), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1", "--preheat_kernel=True",
        f"--pool_size={POOL}", "--token=",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    with _serving(home / "hello.log", command, {}, f"{url}voila/static/voila.js") as process:
        yield App("bare Voila", url, ".hello tbody tr", {}, process, home / "hello.log")


@contextmanager
def _serving(
    log: Path, module: Sequence[str], environment: Mapping[str, str], probe: str
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _until(lambda: process.poll() is not None or _answers(probe), module[0])
            if process.poll() is not None:
                raise RuntimeError(f"{module[0]} ended:\n{log.read_text()}")
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code < httpx.codes.INTERNAL_SERVER_ERROR
    except httpx.TransportError:
        return False


def _log_in(base: str) -> str:
    answer = httpx.post(f"{base}/api/v1/session", json={"user": USER, "password": PASSWORD}, timeout=30)
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = clock.monotonic() + round(PATIENCE * 1e9)
    while not condition():
        if clock.monotonic() > deadline:
            msg = f"not ready within {PATIENCE:.0f} s: {what}"
            raise TimeoutError(msg)
        clock.block(0.05)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
