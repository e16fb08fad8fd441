"""A kernel of a running JupyterLab, driven through the server's REST and WebSocket API as the browser drives it."""

import asyncio
import json
import re
import urllib.parse
import urllib.request
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Ran:
    """What one cell gave: its streams and displays as text, the displayed data, and the error it ended with."""

    text: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""

    @property
    def html(self) -> str:
        return "\n".join(str(one.get("text/html", "")) for one in self.data)


class Lab:
    """The server behind an address such as ``millstream up`` prints it, for who has the bearer ``token``."""

    def __init__(self, url: str, token: str) -> None:
        self.base = f"http://{urllib.parse.urlsplit(url).netloc}"
        self.token = token

    def request(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    @asynccontextmanager
    async def kernel(self, path: str) -> AsyncIterator["Kernel"]:
        """A kernel whose working directory is that of the notebook ``path``, as JupyterLab starts it."""
        session = await asyncio.to_thread(
            self.request,
            "POST",
            "/api/sessions",
            {"path": path, "type": "notebook", "name": path, "kernel": {"name": "python3"}},
        )
        channels = HTTPRequest(
            f"{self.base.replace('http', 'ws', 1)}/api/kernels/{session['kernel']['id']}/channels",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        socket = await websocket_connect(channels)
        try:
            yield Kernel(socket)
        finally:
            await hang_up(socket)
            await asyncio.to_thread(self.request, "DELETE", f"/api/sessions/{session['id']}")


class Kernel:
    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket

    async def run(self, code: str, seconds: float = 120) -> Ran:
        """Execute ``code`` and collect what it shows until the kernel is idle again."""
        message_id = uuid.uuid4().hex
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        header = {"msg_id": message_id, "msg_type": "execute_request", "username": "test", "session": "test"}
        message = {"header": {**header, "version": "5.3"}, "parent_header": {}, "metadata": {}, "content": content}
        await self._socket.write_message(json.dumps({**message, "channel": "shell", "buffers": []}))
        result = Ran()
        async with asyncio.timeout(seconds):
            while not self._collect(await self._socket.read_message(), message_id, result):
                pass
        return result

    def _collect(self, raw: Any, message_id: str, result: Ran) -> bool:
        assert raw is not None, "the kernel's connection was closed"
        message = json.loads(raw) if isinstance(raw, str) else _unpacked(raw)
        if message["parent_header"].get("msg_id") != message_id or message["channel"] != "iopub":
            return False
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            result.text += ANSI.sub("", content["text"])
        elif kind in {"display_data", "execute_result", "update_display_data"}:
            result.data.append(content["data"])
            result.text += str(content["data"].get("text/plain", "")) + "\n"
        elif kind == "error":
            result.error = "\n".join(content["traceback"])
        return bool(kind == "status" and content["execution_state"] == "idle")


async def hang_up(socket: WebSocketClientConnection) -> None:
    """Close a connection and wait until it is: what closes behind the end of the loop is never closed."""
    socket.close()
    while await socket.read_message() is not None:
        pass


def cells(lab: Lab, path: str, *lines: str) -> list[Ran]:
    """What ``lines`` give in a kernel of the notebook ``path``; in a thread: a browser may hold the loop here."""

    async def run() -> list[Ran]:
        async with lab.kernel(path) as kernel:
            return [await kernel.run(line) for line in lines]

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def _unpacked(raw: bytes) -> Any:
    """The JSON part of a message with binary buffers: their count and offsets stand before it."""
    count = int.from_bytes(raw[:4], "big")
    offsets = [int.from_bytes(raw[4 * at : 4 * at + 4], "big") for at in range(1, count + 1)]
    end = offsets[1] if count > 1 else len(raw)
    return json.loads(raw[offsets[0] : end].decode())
