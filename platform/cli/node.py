"""The platform on one machine: embedded servers, trading, market and supervisor processes, JupyterLab."""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec
import structlog

from ..bootstrap import Endpoints, ensure_servers, revive_servers, stop_servers
from ..contracts.errors import ConflictError, RetriableError
from ..contracts.time import from_iso
from ..market import sessions
from ..ops.clock import WallClock
from ..ops.settings import Settings
from ..store.database import connect_sync
from .links import first_admin
from .processes import ProcessManager, Service
from .screens import open_screens

_log = structlog.get_logger()
HEALTH_SECONDS = 0.5
LOCK_TRIES = 10
SAMPLE_SESSION = "sample-"
SAMPLE_SPEED = 1.0
# Five years of history before the first bar: every strategy is warm from the beginning.
SAMPLE_START = "2005-01-01T00:00:00Z"


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a running node says about itself in ``run/node.json``.

    Addresses are empty for what was not started. ``setup_link`` leads to the first admin's account while there is none;
    it is told once and not kept in the file.
    """

    pid: int
    home: str
    bus: str
    services: dict[str, int]
    gateway_url: str = ""
    monitor_url: str = ""
    trader_url: str = ""
    lab_url: str = ""
    setup_link: str = ""


def _run_directory(settings: Settings) -> Path:
    return settings.home / "run"


def read_node(settings: Settings) -> NodeInfo | None:
    """The node that runs on this home directory, or None."""
    file = _run_directory(settings) / "node.json"
    try:
        info = msgspec.json.decode(file.read_bytes(), type=NodeInfo)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return info if is_locked(settings) else None


def is_locked(settings: Settings) -> bool:
    """Whether a process holds the lock of this home directory: `up`, or a command that runs a system of its own."""
    with _lock_file(settings) as file:
        return not _try_lock(file)


def lives(pid: int) -> bool:
    """Whether a process of that id runs; one that only waits to be collected does not."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def refuse_second(settings: Settings) -> None:
    """Raise :class:`ConflictError` when something runs on this home directory."""
    with node_lock(settings):
        pass


@contextlib.contextmanager
def node_lock(settings: Settings) -> Iterator[None]:
    """Hold the one lock of a home directory. Raises :class:`ConflictError` while another process holds it."""
    with _lock_file(settings) as file:
        if not any(_try_lock(file) or _pause() for _ in range(LOCK_TRIES)):
            info = read_node(settings)
            what = f"as process {info.pid}" if info else "for a parity, a demo or an `up` that is just starting"
            raise ConflictError(
                f"Millstream already runs on {settings.home}, {what}",
                hint="Stop it with `millstream down` or wait for its end, or set MILLSTREAM_HOME to another directory.",
            )
        yield


def _lock_file(settings: Settings) -> IO[str]:
    directory = _run_directory(settings)
    directory.mkdir(parents=True, exist_ok=True)
    return (directory / "node.lock").open("a")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pause() -> bool:
    """A moment for a process that only looks whether the lock is held."""
    WallClock().block(0.02)
    return False


def core_services() -> tuple[Service, ...]:
    """What every trade needs: the trading service and the supervisor of runners."""
    return (
        Service("trading", ["-m", "millstream.execution"]),
        Service("supervisor", ["-m", "millstream.runner"], stop_seconds=20.0),
    )


def market_service(arguments: Sequence[str]) -> Service:
    """The feeds named in ``arguments``, and ingestion of what they publish."""
    return Service("market", ["-m", "millstream.market", *arguments])


async def keep_servers(settings: Settings) -> None:
    """Start an embedded server again when it died; its clients reconnect by themselves."""
    while True:
        await asyncio.sleep(HEALTH_SECONDS)
        try:
            await asyncio.to_thread(revive_servers, settings)
        except RetriableError as error:
            _log.error("embedded server does not come back, trying again", error=str(error), hint=error.hint)


@contextlib.asynccontextmanager
async def ending_with(processes: ProcessManager) -> AsyncIterator[None]:
    """Cancel what runs inside, and raise :class:`FatalError`, when a service cannot be kept running."""
    inside = asyncio.current_task()
    watching = asyncio.create_task(processes.watch(), name="watch services")
    watching.add_done_callback(lambda done: None if done.cancelled() or inside is None else inside.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if watching.done() and not watching.cancelled():
            watching.result()
        raise
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@contextlib.asynccontextmanager
async def running_core(settings: Settings) -> AsyncIterator[tuple[Endpoints, ProcessManager]]:
    """Embedded servers, trading service and supervisor for the time of one command; all stopped at its end."""
    with node_lock(settings):
        endpoints = await asyncio.to_thread(ensure_servers, settings)
        try:
            async with ProcessManager(settings.home / "log", WallClock()) as processes:
                keeper = asyncio.create_task(keep_servers(settings))
                try:
                    for service in core_services():
                        await processes.start(service)
                    async with ending_with(processes):
                        yield endpoints, processes
                finally:
                    keeper.cancel()
                    await asyncio.gather(keeper, return_exceptions=True)
        finally:
            await asyncio.to_thread(stop_servers, settings)


async def run_node(
    settings: Settings,
    *,
    workspace: Path,
    with_lab: bool,
    speed: float,
    ready: asyncio.Future[NodeInfo],
) -> None:
    """Run the platform until it is told to stop (SIGTERM, SIGINT or cancellation); ``ready`` gets its description."""
    async with running_core(settings) as (endpoints, processes):
        session = await asyncio.to_thread(sample_market, endpoints.database_url, speed)
        await processes.start(market_service(["simulated", f"replay:session={session}"]))
        screens = await open_screens(settings, processes, workspace, with_lab=with_lab)
        info = NodeInfo(
            pid=os.getpid(),
            home=str(settings.home),
            bus=settings.bus,
            services={name: processes.pid(name) for name in processes.names},
            gateway_url=screens.gateway,
            monitor_url=screens.monitor,
            trader_url=screens.trader,
            lab_url=screens.lab,
        )
        # Before anybody can read the description: a link that `up --detach` prints then is the newest, and counts.
        link = await asyncio.to_thread(first_admin, endpoints.database_url, screens.gateway)
        file = _run_directory(settings) / "node.json"
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode(info))
        ready.set_result(msgspec.structs.replace(info, setup_link=link))
        try:
            await _until_stopped()
        finally:
            file.unlink(missing_ok=True)


def sample_market(database_url: str, speed: float | None = None) -> str:
    """Id of the replay of the sample stocks: the one that an earlier run left unfinished, else a new one.

    ``speed``: bars a second; without it the replay keeps its own.
    """
    from ..market.sample import SYMBOLS, TIMEFRAME, import_sample, sample_instrument

    with connect_sync(database_url) as conn:
        import_sample(conn)
        conn.commit()
        left = [one for one in sessions.list_sessions(conn) if one.session_id.startswith(SAMPLE_SESSION)]
        unfinished = [one for one in left if one.state is not sessions.SessionState.COMPLETED]
        if unfinished:
            if speed is not None:
                sessions.set_speed(conn, unfinished[0].session_id, speed)
                conn.commit()
            return unfinished[0].session_id
        session = sessions.create_replay(
            conn,
            [sample_instrument(symbol).key for symbol in SYMBOLS],
            TIMEFRAME,
            speed=SAMPLE_SPEED if speed is None else speed,
            session_id=f"{SAMPLE_SESSION}{len(left) + 1}",
            position=from_iso(SAMPLE_START),
        )
        conn.commit()
        return session.session_id


async def _until_stopped() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
