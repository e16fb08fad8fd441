"""Health of a process: checks of what it needs, and a small HTTP port that tells them.

``/healthz`` says that the process lives and its loop turns, ``/readyz`` that everything it needs works, ``/metrics``
what it counts. The port takes GET alone, answers one request a connection, and speaks of nothing else.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from ..contracts.api.operations import Check, Health
from ..contracts.clock import Clock
from ..contracts.errors import ConfigurationError
from .clock import WallClock
from .metrics import CONTENT_TYPE, Metrics
from .settings import Settings

CHECK_SECONDS = 3.0
REQUEST_SECONDS = 5.0
MOST_BYTES = 8 * 1024
SERVICES = ("trading", "market", "supervisor")
_JSON = "application/json"
_log = structlog.get_logger(__name__)

Checking = Callable[[], Awaitable[str]]
"""Says what was seen, or raises: then it is not well."""


async def examine(checks: Mapping[str, Checking], clock: Clock) -> Health:
    """Do all ``checks`` at once; each may take three seconds."""
    found = await asyncio.gather(*(_examine(name, check, clock) for name, check in checks.items()))
    status = "ok" if all(one.ok for one in found) else "degraded"
    return Health(status=status, version=version("millstream"), checks=tuple(found))


async def _examine(name: str, check: Checking, clock: Clock) -> Check:
    begun = clock.monotonic()
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            ok, detail = True, await check()
    except TimeoutError:
        ok, detail = False, f"no answer within {CHECK_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 - whatever a check raises is what it found
        _log.warning("health.check_failed", check=name, error=str(error))
        # The text may name addresses and users: it is for the log.
        ok, detail = False, f"does not work ({type(error).__name__})"
    return Check(name=name, ok=ok, detail=detail, seconds=round((clock.monotonic() - begun) / 1e9, 4))


def port_of(settings: Settings, service: str) -> int:
    """The health port of ``service``; 0: a free one. Raises :class:`ConfigurationError`."""
    ports: dict[str, int] = {}
    for pair in filter(None, settings.metrics_ports.split(",")):
        name, _, number = pair.strip().partition("=")
        if name not in SERVICES or not number.isdecimal() or int(number) > 65_535:
            raise ConfigurationError(
                f"{pair!r} in MILLSTREAM_METRICS_PORTS is not a service and its port",
                hint=f"Write service=port,service=port; services are {', '.join(SERVICES)}.",
            )
        ports[name] = int(number)
    return ports.get(service, 0)


class HealthServer:
    """Serves health and metrics of one ``service``; use as ``async with``.

    ``port`` is known inside the block; it stands in ``run/health/<service>`` of the home directory too.
    """

    def __init__(
        self,
        service: str,
        settings: Settings,
        *,
        checks: Mapping[str, Checking],
        metrics: Metrics,
        clock: Clock | None = None,
    ) -> None:
        self.port = port_of(settings, service)
        self._service = service
        self._address = settings.bind
        self._file = settings.home / "run" / "health" / service
        self._checks = checks
        self._metrics = metrics
        self._clock = clock or WallClock()
        self._server: asyncio.Server | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._connected, self._address, self.port, limit=MOST_BYTES)
        except OSError as error:
            raise ConfigurationError(
                f"health of {self._service} cannot listen on port {self.port}: {error.strerror}",
                hint="Set MILLSTREAM_METRICS_PORTS to free ports.",
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        _note(self._file, self.port)
        _log.info("health.ready", service=self._service, port=self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            for task in self._answering:
                task.cancel()
            await asyncio.gather(*self._answering, return_exceptions=True)
            await self._server.wait_closed()
        self._file.unlink(missing_ok=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head.split(b"\r\n", 1)[0].decode("latin-1")))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as error:
            _log.debug("health.request_ended", error=type(error).__name__)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, line: str) -> bytes:
        method, _, rest = line.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, _JSON, b"{}")
        match path:
            case "/healthz":
                return _response(HTTPStatus.OK, _JSON, b'{"status":"ok"}')
            case "/readyz":
                health = await examine(self._checks, self._clock)
                status = HTTPStatus.OK if health.status == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
                return _response(status, _JSON, health.model_dump_json().encode())
            case "/metrics":
                return _response(HTTPStatus.OK, CONTENT_TYPE, self._metrics.text())
            case _:
                return _response(HTTPStatus.NOT_FOUND, _JSON, b"{}")


def _note(file: Path, port: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{port}\n")


def _response(status: HTTPStatus, kind: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
