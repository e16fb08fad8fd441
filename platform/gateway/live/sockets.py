"""The WebSocket server: picows beside FastAPI, in the same event loop."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast
from urllib.parse import parse_qs, urlsplit

import picows
import psycopg
import redis.exceptions
import structlog
from picows import (
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)

from ...contracts.clock import Clock
from ...contracts.errors import InputError, RetriableError
from ..auth.access import Principal
from .admission import Knock, NotAdmittedError
from .client import Client
from .hub import Hub, RefusedError
from .message import HEADROOM, Message
from .protocol import CloseCode
from .requests import answer

PATH = "/live"
MAX_REQUEST = 32 * 1024
_SMALLEST_READ_BUFFER = 2048
_BACKLOG = 4096
# Checks at a time: when all screens come back at once, Redis and the database are asked by so many.
_CHECKS = 32
_TEXT = WSMsgType.TEXT
_log = structlog.get_logger()
# An adapter, because picows makes a child of every plain logger for each connection.
_picows_log = logging.LoggerAdapter(logging.getLogger("millstream.gateway.live"))
Admit = Callable[[Knock], Awaitable[Principal]]
Refusal = Callable[[str | None, str], str]


class Doorman:
    """Lets connections in: ``refusal`` judges their page, and ``admit`` says who somebody is."""

    def __init__(self, hub: Hub, clock: Clock, refusal: Refusal, admit: Admit) -> None:
        self.hub = hub
        self.clock = clock
        self._refusal = refusal
        self._admit = admit
        self._entering: set[asyncio.Task[None]] = set()
        self._checks = asyncio.Semaphore(_CHECKS)

    def __call__(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        """The listener of a new connection, or a refusal."""
        url = urlsplit(request.path.decode("ascii", "replace"))
        headers = request.headers
        if url.path != PATH:
            return _refuse(404, "There is nothing here: the live events are at /live.")
        if reason := self._refusal(headers.get("Origin"), headers.get("Host", "")):
            return _refuse(403, reason)
        ticket = parse_qs(url.query).get("ticket", [""])[0]
        forwarded = ", ".join(headers.getall("X-Forwarded-For", []))
        return Socket(self, Knock(ticket, headers.get("Authorization", ""), forwarded, ""))

    def enter(self, socket: "Socket", knock: Knock) -> None:
        """Find out who is at the door, and let them in or close."""
        task = asyncio.get_running_loop().create_task(self._enter(socket, knock))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def leave(self) -> None:
        """Stop letting anybody in."""
        for task in list(self._entering):
            task.cancel()
        await asyncio.gather(*self._entering, return_exceptions=True)

    async def _enter(self, socket: "Socket", knock: Knock) -> None:
        try:
            async with self._checks:
                principal = await self._admit(knock)
            socket.open(principal)
        except NotAdmittedError as error:
            socket.close(error.code, str(error))
        except RefusedError as error:
            socket.close(CloseCode.LIMIT, str(error))
        except (RetriableError, psycopg.Error, redis.exceptions.RedisError) as error:
            _log.warning("a live connection cannot be checked", error=str(error))
            socket.close(CloseCode.GOING_AWAY, "try again")
        except asyncio.CancelledError:
            socket.close(CloseCode.GOING_AWAY, "the gateway stops")
            raise


class Socket(WSListener):
    """One connection: the wire of its client."""

    __slots__ = ("_doorman", "_early", "_knock", "_pause_early", "_transport", "client")

    def __init__(self, doorman: Doorman, knock: Knock) -> None:
        self.client: Client | None = None
        self._doorman = doorman
        self._knock: Knock | None = knock
        self._early: list[bytes] | None = []
        self._pause_early = False
        self._transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=0)
        if self._knock is not None:
            peer = transport.underlying_transport.get_extra_info("peername")
            self._doorman.enter(self, self._knock._replace(peer=str(peer[0]) if peer else ""))
            self._knock = None

    def open(self, principal: Principal) -> None:
        """Become a client of the hub, and answer what was asked meanwhile. Raises :class:`RefusedError`."""
        if self._transport is None or self._transport.is_disconnected or self._early is None:
            return
        self.client = self._doorman.hub.attach(principal, self)
        if self._pause_early:
            self.client.pause()
        early, self._early = self._early, None
        for payload in early:
            self._ask(payload)

    def on_ws_frame(self, transport: WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == _TEXT and frame.fin:
            self._ask(frame.get_payload_as_bytes())
        elif frame.msg_type != WSMsgType.PONG:
            self._end(CloseCode.UNSUPPORTED, "send each request as one text frame")

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows's signature
        self._early = None
        if self.client is not None:
            self._doorman.hub.detach(self.client)

    def pause_writing(self) -> None:
        if self.client is None:
            self._pause_early = True
        else:
            self.client.pause()

    def resume_writing(self) -> None:
        self._pause_early = False
        if self.client is not None:
            self.client.resume()

    def send(self, message: Message) -> None:
        if self._transport is not None:
            self._transport.send_reuse_external_bytearray(_TEXT, message.frame, HEADROOM)

    def waiting(self) -> None:
        """Nothing to do: the transport resumes by itself."""

    def close(self, code: CloseCode, reason: str) -> None:
        self._early = None
        if self._transport is not None:
            self._transport.send_close(cast("picows.WSCloseCode", int(code)), reason)
            self._transport.disconnect()
            loop = asyncio.get_running_loop()
            loop.call_later(self._doorman.hub.limits.closing_seconds, self._abort)

    def _abort(self) -> None:
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.disconnect(graceful=False)

    def _ask(self, payload: bytes) -> None:
        if self._early is not None and self.client is None:
            self._early.append(payload)
            if sum(map(len, self._early)) > MAX_REQUEST:
                self._end(CloseCode.LIMIT, "too many requests")
        elif self.client is not None:
            try:
                answer(self._doorman.hub, self.client, payload, self._doorman.clock.monotonic())
            except InputError as error:
                self._end(CloseCode.UNSUPPORTED, str(error))

    def _end(self, code: CloseCode, reason: str) -> None:
        if self.client is not None:
            self._doorman.hub.end(self.client, code, reason)
        else:
            self.close(code, reason)


@contextlib.asynccontextmanager
async def listening(doorman: Doorman, host: str, port: int) -> AsyncIterator[int]:
    """Serve WebSockets on ``host``; gives the port, a free one for 0. Raises :class:`OSError` when it is taken."""
    server = await picows.ws_create_server(
        doorman,
        host,
        port,
        logger_name=_picows_log,
        max_frame_size=MAX_REQUEST,
        read_buffer_init_size=_SMALLEST_READ_BUFFER,
        backlog=_BACKLOG,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await doorman.leave()
        for client in list(doorman.hub.clients.values()):
            doorman.hub.end(client, CloseCode.GOING_AWAY, "the gateway stops")
        await server.wait_closed()


def _refuse(status: int, why: str) -> WSUpgradeResponseWithListener:
    response = WSUpgradeResponse.create_error_response(
        status, why.encode(), {"Content-Type": "text/plain; charset=utf-8"}
    )
    return WSUpgradeResponseWithListener(response, None)
