"""A real JupyterLab with Millstream's panel, over a stand-in of its server extension."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "kernel_ext" / "labextension"
BUNDLE = REPOSITORY / "kernel_ext" / "labextension_dist"
TOKEN = "stand-in"
# What these tests do not look at is left out: some of it takes seconds to import.
OTHERS = ("jupyter_lsp", "panel.io.jupyter_server_extension", "voila.server_extension", "millstream_kernel.server")
EXTENSIONS = {"lab_stand_in": True} | dict.fromkeys(OTHERS, False)
QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Light"},
    "@millstream/lab:plugin": {"interval": 1},
}


class Server:
    """The running JupyterLab: ``url`` of its page, and the stand-in behind it."""

    def __init__(self, base: str, workspace: Path) -> None:
        self.base = base
        self.workspace = workspace

    @property
    def url(self) -> str:
        return f"{self.base}/lab?token={TOKEN}&reset"

    def tell(self, **given: Any) -> None:
        """Change what the stand-in answers: ``answers``, ``refusals``, ``accept``, ``reset``."""
        self._request("PATCH", given)

    def commands(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._request("GET")["commands"]
        return found

    def reads(self) -> list[list[Any]]:
        found: list[list[Any]] = self._request("GET")["reads"]
        return found

    def _request(self, method: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.base}/stand-in", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())


@contextmanager
def lab(folder: Path, python: str = sys.executable, **environment: str) -> Iterator[Server]:
    """JupyterLab with all its state below ``folder``; it is stopped at the end."""
    workspace, settings = folder / "workspace", folder / "app"
    for made in (workspace, settings):
        made.mkdir(parents=True, exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps(QUIET), encoding="utf-8")
    port = free_port()
    own = {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(Path(__file__).parent),
        "MILLSTREAM_URL": "",
    }
    command = [
        python,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={workspace}",
        "--ServerApp.allow_root=True",
        f"--IdentityProvider.token={TOKEN}",
        f"--LabApp.app_settings_dir={settings}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.jpserver_extensions={EXTENSIONS}",
    ]
    log = (folder / "lab.log").open("wb")
    process = subprocess.Popen(
        command, cwd=workspace, env=os.environ | own | environment, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(base, process, folder / "lab.log")
        yield Server(base, workspace)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()


def run(page: Page, command: str, **arguments: object) -> None:
    """Give a command of JupyterLab and wait for it."""
    page.evaluate("([id, args]) => window.jupyterapp.commands.execute(id, args).then(() => null)", [command, arguments])


def look(page: Page) -> None:
    """Open the side bar and let it read at once, not when its next second has come."""
    run(page, "millstream:show", deployment="")


def free_port() -> int:
    """A local TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{base}/api", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))
