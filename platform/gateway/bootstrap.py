"""Wires the gateway's process: settings → servers → pool, bus, Redis → application, live events."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import redis.asyncio
import structlog
import uvicorn
from fastapi import FastAPI

from ..bootstrap import Endpoints, ensure_servers, open_bus
from ..contracts.clock import Clock
from ..contracts.errors import ConfigurationError, RetriableError
from ..ops.clock import WallClock
from ..ops.settings import Settings
from ..store.database import pool
from . import live
from .app import create_app
from .commands.operations import fail_left_over
from .context import Gateway
from .idempotency import forget_old

REDIS_SECONDS = 2.0
DRAIN_SECONDS = 3
CONNECTIONS = 12
# Database work waits in threads, and so do promotions: more threads than connections leave some for these.
THREADS = 24
TIDY_SECONDS = 3600.0
_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def open_gateway(settings: Settings, endpoints: Endpoints, clock: Clock) -> AsyncIterator[Gateway]:
    """What routes work with, for the time of the block. Raises :class:`RetriableError` for a bus that is away."""
    connections = pool(endpoints.database_url, application_name="millstream-gateway", size=CONNECTIONS)
    client = redis.asyncio.Redis.from_url(
        endpoints.redis_url, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
    )
    try:
        await asyncio.to_thread(connections.open)
        async with open_bus(settings, endpoints) as bus:
            yield Gateway(settings=settings, endpoints=endpoints, clock=clock, pool=connections, bus=bus, redis=client)
    finally:
        await asyncio.to_thread(connections.close)
        await client.aclose()


@contextlib.asynccontextmanager
async def open_app(gateway: Gateway) -> AsyncIterator[FastAPI]:
    """The application with its live events and its caretaking, for the time of the block.

    Operations that an earlier gateway left are on record as failed; those of this one are ended with the block. One
    gateway works on one database.
    """
    left = await gateway.database(fail_left_over)
    if left:
        _log.warning("gateway.operations_left", count=left)
    async with live.serving(gateway) as hub:
        app = create_app(gateway)
        app.state.hub = hub
        tidying = asyncio.create_task(_keep_tidy(gateway), name="tidy")
        try:
            yield app
        finally:
            tidying.cancel()
            await asyncio.gather(tidying, return_exceptions=True)
            await app.state.operations.close()


async def serve(settings: Settings) -> None:
    """Serve this installation until SIGTERM or SIGINT. Raises :class:`ConfigurationError` for a taken port."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="gateway"))
    endpoints = await asyncio.to_thread(ensure_servers, settings)
    with _listening(settings.bind, settings.gateway_port) as listener:
        async with open_gateway(settings, endpoints, WallClock()) as gateway, open_app(gateway) as app:
            server = _Server(_config(app))
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, server.stop)
            host, port = listener.getsockname()[:2]
            _log.info("gateway.ready", host=host, port=port)
            await server.serve(sockets=[listener])
    _log.info("gateway.stopped")


class _Server(uvicorn.Server):
    """Ends when told, without the signals that uvicorn would send to this process again: what is open is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self.should_exit = True


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


async def _keep_tidy(gateway: Gateway) -> None:
    while True:
        try:
            await gateway.database(forget_old)
        except (psycopg.OperationalError, RetriableError) as error:
            _log.warning("gateway.not_tidied", error=str(error))
        await gateway.clock.sleep(TIDY_SECONDS)


@contextlib.contextmanager
def _listening(address: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"the gateway cannot listen on {address} port {port}: {error.strerror}",
            hint="Set MILLSTREAM_GATEWAY_PORT to a free port and MILLSTREAM_BIND to an address of this machine.",
        ) from error
    with listener:
        yield listener
