"""Runners of this machine, forked from one zygote."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from typing import Any

import msgspec
import structlog

from ..contracts.errors import RetriableError
from ..promotion.environment import scrubbed
from .launcher import Exit, Launcher
from .spec import RunnerSpec
from .zygote import SINGLE_THREAD

START_SECONDS = 60.0
KILLED = -signal.SIGKILL
_LINE_LIMIT = 1 << 20
_log = structlog.get_logger()


class LocalLauncher(Launcher):
    """Keeps a zygote ready. When it dies its runners die with it, and the next start makes a new one."""

    def __init__(self, bus_kind: str) -> None:
        super().__init__()
        self._bus_kind = bus_kind
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._pids: dict[tuple[str, int], int] = {}
        self._requests: dict[int, tuple[RunnerSpec, asyncio.Future[int]]] = {}
        self._count = 0
        self._opening = asyncio.Lock()

    @property
    def zygote_pid(self) -> int:
        """Process id of the zygote, 0 when there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def open(self) -> None:
        async with self._opening:
            if self._writer is not None:
                return
            ours, theirs = socket.socketpair()
            # A process of its own, with its environment scrubbed from the first instruction on.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "millstream.runner.zygote",
                str(theirs.fileno()),
                str(os.getpid()),
                self._bus_kind,
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env=scrubbed(os.environ) | SINGLE_THREAD,
            )
            theirs.close()
            reader, self._writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
            self._ready.clear()
            self._listener = asyncio.create_task(self._listen(reader), name="zygote")

    async def start(self, spec: RunnerSpec) -> int:
        await self.open()
        self._count += 1
        spawned: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._requests[self._count] = (spec, spawned)
        try:
            await self._send({"op": "spawn", "request": self._count, "spec": msgspec.to_builtins(spec)})
            async with asyncio.timeout(START_SECONDS):
                return await spawned
        except TimeoutError as error:
            raise RetriableError(
                f"the zygote did not start {spec!r} within {START_SECONDS:.0f} s", hint="See the supervisor's log."
            ) from error

    async def stop(self, deployment_id: str, epoch: int) -> None:
        await self._signal(deployment_id, epoch, signal.SIGTERM)

    async def kill(self, deployment_id: str, epoch: int) -> None:
        await self._signal(deployment_id, epoch, signal.SIGKILL)

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            try:
                async with asyncio.timeout(5.0):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._listener is not None:
            await self._listener

    async def until_ready(self) -> None:
        """Wait until the zygote has imported everything."""
        await self._ready.wait()

    async def _signal(self, deployment_id: str, epoch: int, number: int) -> None:
        pid = self._pids.get((deployment_id, epoch))
        if pid is not None and self._writer is not None:
            await self._send({"op": "signal", "pid": pid, "signal": number})

    async def _send(self, message: dict[str, Any]) -> None:
        if self._writer is None:
            raise RetriableError("the zygote has ended", hint="It is started again with the next runner.")
        with contextlib.suppress(ConnectionError):
            self._writer.write(json.dumps(message).encode() + b"\n")
            await self._writer.drain()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                self._receive(json.loads(line))
        self._lost()

    def _receive(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "ready":
                self._ready.set()
            case "spawned":
                spec, spawned = self._requests.pop(message["request"])
                self._pids[spec.deployment_id, spec.epoch] = message["pid"]
                if not spawned.done():
                    spawned.set_result(message["pid"])
            case "exited":
                for (deployment_id, epoch), pid in list(self._pids.items()):
                    if pid == message["pid"]:
                        del self._pids[deployment_id, epoch]
                        self.exits.put_nowait(Exit(deployment_id, epoch, message["code"]))
            case other:
                _log.error("unknown message of the zygote", op=other)

    def _lost(self) -> None:
        """The zygote has ended, and every runner with it."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        for spec, spawned in self._requests.values():
            if not spawned.done():
                spawned.set_exception(RetriableError(f"the zygote ended while it started {spec!r}"))
        self._requests.clear()
        for deployment_id, epoch in self._pids:
            self.exits.put_nowait(Exit(deployment_id, epoch, KILLED))
        self._pids.clear()
