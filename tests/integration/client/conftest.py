"""A small gateway on real ports: HTTP by uvicorn, the live stream by a WebSocket server that a test scripts."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from picows.websockets import ServerConnection, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from millstream.client import Reconnecting

Script = Callable[["Peer"], Awaitable[None]]
HASTY = Reconnecting(first=0.01, longest=0.05)
ME = {"user": "ann", "name": "Ann", "role": "viewer", "permissions": ["self", "read"]}


@dataclass
class Peer:
    """The server's side of one connection."""

    connection: ServerConnection
    ticket: str
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def expect(self, op: str) -> dict[str, Any]:
        frame = json.loads(await self.connection.recv())
        assert frame["op"] == op
        self.asked.append(frame)
        return frame

    async def send(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def snapshot(self, name: str, seq: int, *items: Any, epoch: str = "e1") -> None:
        await self.send(op="snapshot", id=name, topic="orders", epoch=epoch, seq=seq, items=list(items))

    async def event(self, seq: int) -> None:
        await self.send(op="event", seq=seq, topic="orders", event={"n": seq})

    async def close(self, code: int, reason: str = "") -> None:
        await self.connection.close(code, reason)


@dataclass
class SmallGateway:
    """Each connection is served by the next of ``scripts``; the last one serves all that follow."""

    url: str = ""
    live_url: str = ""
    scripts: list[Script] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    tickets: int = 0

    async def connected(self, connection: ServerConnection) -> None:
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        peer = Peer(connection, connection.request.path.partition("ticket=")[2])
        self.peers.append(peer)
        await script(peer)
        await connection.wait_closed()

    def routes(self) -> list[Route]:
        async def me(request: Request) -> Response:
            if request.headers.get("Authorization") != "Bearer right":
                body = {"title": "Who?", "status": 401, "code": "UNAUTHENTICATED", "hint": "Log in."}
                return JSONResponse(body, 401)
            return JSONResponse(ME)

        async def orders(request: Request) -> Response:
            cursor = request.query_params.get("cursor", "")
            return JSONResponse({"items": ["c"] if cursor else ["a", "b"], "next": "" if cursor else "2"})

        async def live(request: Request) -> Response:
            self.tickets += 1
            return JSONResponse({"url": self.live_url, "ticket": f"t{self.tickets}", "expires_in": 30})

        return [
            Route("/api/v1/me", me),
            Route("/api/v1/notebooks/list", orders),
            Route("/api/v1/live", live),
        ]


@pytest.fixture
async def small_gateway() -> AsyncIterator[SmallGateway]:
    gateway = SmallGateway()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(Starlette(routes=gateway.routes()), log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    gateway.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with serve(gateway.connected, "127.0.0.1", 0) as websocket:
        port = next(iter(websocket.sockets)).getsockname()[1]
        gateway.live_url = f"ws://127.0.0.1:{port}/live"
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield gateway
        finally:
            server.should_exit = True
            await running
            listener.close()
