"""A WebSocket client of the live events, over picows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import picows


class LiveClient(picows.WSListener):
    """Keeps what it was sent; answers pings when ``ponging``."""

    def __init__(self) -> None:
        self.transport: picows.WSTransport | None = None
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self.ponging = True

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            self._close(int(frame.get_close_code()), frame.get_close_reason() or "")
            transport.disconnect()
            return
        message = msgspec.json.decode(frame.get_payload_as_bytes())
        if message["op"] == "ping" and self.ponging:
            self.send(op="pong")
        self.messages.put_nowait(message)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._close(1006, "")

    def send(self, **request: Any) -> None:
        self.send_bytes(msgspec.json.encode(request))

    def send_bytes(self, payload: bytes) -> None:
        assert self.transport is not None
        self.transport.send(picows.WSMsgType.TEXT, payload)

    async def next(self, *ops: str) -> dict[str, Any]:
        """The next message, or the next of ``ops``. Raises :class:`TimeoutError` after 20 s."""
        async with asyncio.timeout(20):
            while True:
                message = await self.messages.get()
                if not ops or message["op"] in ops:
                    return message

    async def ended(self) -> tuple[int, str]:
        """Code and reason of the server's close. Raises :class:`TimeoutError` after 20 s."""
        async with asyncio.timeout(20):
            return await asyncio.shield(self.closed)

    def _close(self, code: int, reason: str) -> None:
        if not self.closed.done():
            self.closed.set_result((code, reason))


@contextlib.asynccontextmanager
async def connected(port: int, ticket: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[LiveClient]:
    """A client of the live WebSocket on ``port``. Raises picows's error when the server refuses."""
    url = f"ws://127.0.0.1:{port}/live" + (f"?ticket={ticket}" if ticket else "")
    transport, listener = await picows.ws_connect(LiveClient, url, extra_headers=headers or {})
    try:
        yield cast("LiveClient", listener)
    finally:
        transport.disconnect(graceful=False)
        await transport.wait_disconnected()
