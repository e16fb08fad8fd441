"""The servers to compare with: a list of connections and a loop over it, nothing else.

``python -m benchmarks.ws.bare fastapi|picows`` prints its port.
"""

import asyncio
import sys
from typing import Any

import picows
import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from millstream.ops.clock import WallClock

from .control import Command, memory, obey, raise_open_files, say
from .payload import text

BACKLOG = 4096
clock = WallClock()


class BareFastApi:
    """FastAPI's own WebSockets under uvicorn."""

    def __init__(self) -> None:
        self.connections: list[WebSocket] = []

    async def start(self) -> int:
        app = FastAPI()
        app.add_api_websocket_route("/live", self._serve)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=0, log_level="error", lifespan="off", backlog=BACKLOG, ws_ping_interval=None
        )
        self._server = uvicorn.Server(config)
        self._task = asyncio.get_running_loop().create_task(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    async def send(self, payload: bytes) -> None:
        message = payload.decode()
        for connection in self.connections:
            await connection.send_text(message)

    async def _serve(self, connection: WebSocket) -> None:
        await connection.accept()
        self.connections.append(connection)
        try:
            while True:
                await connection.receive_text()
        except WebSocketDisconnect:
            self.connections.remove(connection)


class _Listener(picows.WSListener):
    def __init__(self, connections: list[picows.WSTransport]) -> None:
        self.connections = connections

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.connections.append(transport)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.connections.remove(transport)


class BarePicows:
    """picows as its documentation shows it."""

    def __init__(self) -> None:
        self.connections: list[picows.WSTransport] = []

    async def start(self) -> int:
        self._server = await picows.ws_create_server(
            lambda _: _Listener(self.connections), "127.0.0.1", 0, backlog=BACKLOG
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def send(self, payload: bytes) -> None:
        for connection in self.connections:
            connection.send(picows.WSMsgType.TEXT, payload)


async def main(server: Any) -> None:
    """Serve and obey."""
    say(port=await server.start())

    async def send(command: Command) -> dict[str, object]:
        payload = text(command["round"])
        at = clock.monotonic()
        await server.send(payload)
        return {"at": at, "sent": clock.monotonic()}

    async def measure(_: Command) -> dict[str, object]:
        return {"bytes": memory(), "connections": len(server.connections)}

    await obey({"send": send, "memory": measure})


if __name__ == "__main__":
    raise_open_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main({"fastapi": BareFastApi, "picows": BarePicows}[sys.argv[1]]()))
