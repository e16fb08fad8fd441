"""The screens of a node: gateway, monitor, trader app and JupyterLab, each on a port of its own, with one login."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ..contracts.errors import RetriableError
from ..ops.clock import WallClock
from ..ops.settings import PREFIX, Settings
from .processes import ProcessManager, Service

ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
START_SECONDS = 90.0
FIRST_NOTEBOOK = "strategies/sma_cross.ipynb"


class Screens(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of what runs; empty where it was not started."""

    gateway: str
    monitor: str
    trader: str
    lab: str = ""


async def open_screens(settings: Settings, processes: ProcessManager, workspace: Path, *, with_lab: bool) -> Screens:
    """Start them and wait until each of them listens. Raises :class:`RetriableError` when one does not."""
    names = ["gateway", "stream", "monitor", "trader", *(["lab"] if with_lab else [])]
    ports = _ports(settings, names)
    host = "127.0.0.1" if settings.bind in ANY_ADDRESS else settings.bind
    address = {name: f"http://{host}:{port}" for name, port in ports.items()}
    environment = {f"{PREFIX}{name.upper()}_PORT": str(port) for name, port in ports.items()}
    environment |= {f"{PREFIX}WORKSPACE": str(workspace), f"{PREFIX}URL": address["gateway"]}
    gateway = Service("gateway", ["-m", "millstream.gateway"], environment)
    services = [
        Service("monitor", ["-m", "millstream_dashboards.monitor"], environment),
        Service("trader", ["-m", "millstream_dashboards.trader"], environment),
    ]
    if with_lab:
        services.append(_lab(settings, workspace, ports["lab"], environment))
    await processes.start(gateway)
    await processes.start(*services)
    await asyncio.gather(*(_listening(processes, one.name, host, ports[one.name]) for one in (gateway, *services)))
    return Screens(
        gateway=f"{address['gateway']}/",
        monitor=f"{address['monitor']}/",
        trader=f"{address['trader']}/",
        lab=f"{address['lab']}/lab/tree/{FIRST_NOTEBOOK}" if with_lab else "",
    )


def _lab(settings: Settings, workspace: Path, port: int, environment: dict[str, str]) -> Service:
    """JupyterLab on ``workspace``; who may enter is the gateway's to say (``kernel_ext`` brings the configuration)."""
    arguments = [
        "-m",
        "millstream_kernel.lab",
        "--no-browser",
        f"--ServerApp.ip={settings.bind}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={workspace}",
        "--ServerApp.allow_root=True",
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
        "--LabApp.extension_manager=readonly",
        f"--LabApp.app_settings_dir={_lab_settings(settings.home)}",
    ]
    # The root lets %ms take a notebook by the path that the file browser shows.
    return Service("lab", arguments, {**environment, "JUPYTER_SERVER_ROOT": str(workspace)})


def _lab_settings(home: Path) -> Path:
    """The folder of JupyterLab's defaults: no question about news at the first start, no request to the internet."""
    folder = home / "lab"
    folder.mkdir(parents=True, exist_ok=True)
    quiet = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    (folder / "overrides.json").write_bytes(msgspec.json.encode(quiet))
    return folder


def _ports(settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """The configured ports, and free ones for the others: all are held at once, so that no two are the same."""
    with contextlib.ExitStack() as stack:
        return {name: getattr(settings, f"{name}_port") or _free(settings.bind, stack) for name in names}


def _free(host: str, stack: contextlib.ExitStack) -> int:
    probe = stack.enter_context(socket.socket())
    probe.bind((host, 0))
    port: int = probe.getsockname()[1]
    return port


async def _listening(processes: ProcessManager, name: str, host: str, port: int) -> None:
    """Return when something listens on ``port``. Raises :class:`RetriableError` with the service's log to look at."""
    clock = WallClock()
    deadline = clock.monotonic() + round(START_SECONDS * 1e9)
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            if clock.monotonic() > deadline:
                log = processes.log_file(name)
                raise RetriableError(f"{name} does not listen on port {port}", hint=f"See {log}.") from None
            await clock.sleep(0.1)
        else:
            writer.close()
            return
