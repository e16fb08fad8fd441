"""The preheated process that runners are forked from: ``python -m millstream.runner.zygote FD``.

It imports what a runner needs, has one thread, no event loop and no connection, and forks on request. Requests and
replies are JSON lines over a Unix socket whose descriptor is its only argument: ``{"op": "spawn", "request": 1,
"spec": {…}}`` is answered by ``{"op": "spawned", "request": 1, "pid": 123}``; ``{"op": "signal", "pid": 123, "signal":
15}`` is not answered. ``{"op": "exited", "pid": 123, "code": -9}`` follows the end of each child (below zero: killed by
that signal). When the socket closes, it kills its children and ends.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from .spec import RunnerSpec

# One thread for the numeric libraries: a fork copies only the thread that calls it.
SINGLE_THREAD = {
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")},
    # pyarrow's allocator starts a thread when pandas imports it.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; elsewhere than on Linux the socket's end does."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def preheat(bus: str) -> None:
    """Import what a runner needs and move it out of the garbage collector's sight, so that forks share its memory."""
    gc.disable()
    import nbformat  # noqa: F401
    import pandas as pd
    import papermill  # noqa: F401
    import psycopg  # noqa: F401

    from . import cells, process  # noqa: F401

    if bus == "kafka":
        import aiokafka  # noqa: F401
    else:
        import redis.asyncio  # noqa: F401
    pd.DataFrame({"close": [1.0, 2.0]}).rolling(2).mean()
    gc.collect()
    gc.freeze()


class Zygote:
    """Serves one socket."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._children: set[int] = set()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._buffer = b""

    def serve(self) -> None:
        """Fork and reap until the other side closes the socket."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write)
        self._send({"op": "ready", "pid": os.getpid()})
        sources: list[Any] = [self._link, self._wake_read]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
            self._reap()
            if self._link in ready and not self._receive():
                break
        self._kill_all()

    def _receive(self) -> bool:
        data = self._link.recv(1 << 16)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(data)

    def _obey(self, request: dict[str, Any]) -> None:
        if request["op"] == "signal":
            self._signal(request["pid"], request["signal"])
            return
        pid = os.fork()
        if pid == 0:
            self._become_runner(request["spec"])
        self._children.add(pid)
        self._send({"op": "spawned", "request": request["request"], "pid": pid})

    def _signal(self, pid: int, number: int) -> None:
        """Signals only own children that are not reaped yet: their numbers cannot have been given away."""
        if pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if number == signal.SIGKILL:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, number)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._send({"op": "exited", "pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _kill_all(self) -> None:
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._link.sendall(json.dumps(message).encode() + b"\n")

    def _become_runner(self, spec: dict[str, Any]) -> NoReturn:
        """In the child: leave the zygote's group, signals and descriptors behind and run; never return."""
        code = 1
        try:
            zygote = os.getppid()
            os.setsid()
            die_with_parent(zygote)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            for descriptor in (self._link.detach(), self._wake_read, self._wake_write):
                os.close(descriptor)
            gc.enable()
            code = _run(msgspec.convert(spec, RunnerSpec))
        except BaseException:  # noqa: BLE001 - the end of a process: what is not written here is lost
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)


def _run(spec: RunnerSpec) -> int:
    from .process import run

    Path(spec.folder).mkdir(parents=True, exist_ok=True)
    log = os.open(spec.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    code = run(spec)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    """Entry point; its arguments: the socket's descriptor, the supervisor's pid and the bus."""
    descriptor, parent, bus = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    die_with_parent(parent)
    # A terminal's Ctrl-C goes to the whole group: the supervisor decides what ends, and when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = socket.socket(fileno=descriptor)
    preheat(bus)
    Zygote(link).serve()


if __name__ == "__main__":
    main()
