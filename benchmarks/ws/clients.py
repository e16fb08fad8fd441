"""Very many clients in one process: plain sockets and one epoll, so that the server is what is measured.

``python -m benchmarks.ws.clients PORT COUNT FIRST SUBSCRIBE`` connects, prints ``ready`` and then obeys:
``{"do": "expect", "round": n}`` is answered with the arrival times (ns) of that round's event at each client.
"""

import os
import select
import socket
import struct
import sys
from typing import Any

import msgspec

from millstream.ops.clock import WallClock

from .control import raise_open_files, say
from .payload import PORTFOLIO, marker

TOPICS = ("fills", "orders", "portfolios")
_AT_ONCE = 50
_STDIN = 0
_LARGEST = 1 << 16
clock = WallClock()


def masked(request: dict[str, Any]) -> bytes:
    """A request as a frame of a client; the mask is zero."""
    payload = msgspec.json.encode(request)
    if len(payload) < 126:
        return struct.pack("!BBI", 0x81, 0x80 | len(payload), 0) + payload
    return struct.pack("!BBHI", 0x81, 0xFE, len(payload), 0) + payload


PONG = masked({"op": "pong"})


class Clients:
    """``count`` connections to ``port``; ``first`` numbers their users. With ``subscribe`` they speak the protocol."""

    def __init__(self, port: int, count: int, first: int, *, subscribe: bool) -> None:
        self._port = port
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._subscribe = subscribe
        self._expected = b"\0"
        self._arrived: dict[int, int] = {}
        for start in range(first, first + count, _AT_ONCE):
            self._open(range(start, min(start + _AT_ONCE, first + count)))
        self._poll.register(_STDIN, select.EPOLLIN)

    def obey(self) -> None:
        """Watch all connections and the parent, until it closes the pipe."""
        lines = os.fdopen(os.dup(_STDIN), "rb", 0)
        while True:
            for number, _ in self._poll.poll():
                if number == _STDIN:
                    line = lines.readline()
                    if not line:
                        return
                    self._expected, self._arrived = marker(msgspec.json.decode(line)["round"]), {}
                    say(expecting=True)
                else:
                    self._read(number)

    def _read(self, number: int) -> None:
        data = os.read(number, _LARGEST)
        now = clock.monotonic()
        if not data:
            raise ConnectionError(f"the server closed a connection after {len(self._arrived)} arrivals")
        if self._expected in data:
            self._arrived[number] = now
            if len(self._arrived) == len(self._sockets):
                say(arrived=list(self._arrived.values()))
        if b'"op":"ping"' in data:
            os.write(number, PONG)

    def _open(self, numbers: range) -> None:
        opened = [(number, socket.create_connection(("127.0.0.1", self._port))) for number in numbers]
        for number, one in opened:
            lines = (
                f"GET /live?ticket=user-{number} HTTP/1.1",
                "Host: 127.0.0.1",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                "",
                "",
            )
            one.sendall("\r\n".join(lines).encode())
        for _, one in opened:
            _until(one, b"\r\n\r\n", 1)
            for topic in TOPICS if self._subscribe else ():
                one.sendall(
                    masked({"op": "subscribe", "id": topic, "topic": topic, "filter": {"portfolio": [PORTFOLIO]}})
                )
        for _, one in opened:
            if self._subscribe:
                _until(one, b'"op":"snapshot"', len(TOPICS))
            one.setblocking(False)
            self._sockets[one.fileno()] = one
            self._poll.register(one.fileno(), select.EPOLLIN)


def _until(one: socket.socket, text: bytes, times: int) -> None:
    received = b""
    one.settimeout(60)
    while received.count(text) < times:
        data = one.recv(_LARGEST)
        if not data:
            raise ConnectionError(f"the server closed a connection: {received[-200:]!r}")
        received += data


if __name__ == "__main__":
    raise_open_files()
    port, count, first, subscribe = map(int, sys.argv[1:5])
    clients = Clients(port, count, first, subscribe=bool(subscribe))
    say(ready=count)
    clients.obey()
