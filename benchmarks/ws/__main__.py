"""Measure the fan-out of live events: ``python -m benchmarks.ws [--clients N] [--rounds N] [--json FILE]``."""

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import msgspec
from rich.console import Console
from rich.table import Table

from millstream.ops.clock import WallClock

from .result import Result, ratio, result_of

SERVERS = {
    "FastAPI, bare": ("benchmarks.ws.bare", "fastapi"),
    "picows, bare": ("benchmarks.ws.bare", "picows"),
    "Millstream's hub": ("benchmarks.ws.hub",),
}
BASE = "picows, bare"
OURS = "Millstream's hub"
AIM_RATIO = 2.2
AIM_KIB = 35.0
_PROCESSES = 2
_WARM_UP = 3


class Child:
    """A process of the benchmark that is told what to do in lines."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._commands, self._answers = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)

    def tell(self, **command: object) -> None:
        self._commands.write(msgspec.json.encode(command).decode() + "\n")
        self._commands.flush()

    def hear(self) -> dict[str, Any]:
        """The next line. Raises ``RuntimeError`` when the process ended."""
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended with {self._process.wait()}")
        answer: dict[str, Any] = msgspec.json.decode(line)
        return answer

    def ask(self, **command: object) -> dict[str, Any]:
        self.tell(**command)
        return self.hear()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._commands.close()
        self._answers.close()


class Fleet:
    """A server and its connected clients."""

    def __init__(self, name: str, count: int, stack: contextlib.ExitStack) -> None:
        self.name = name
        self.count = count
        self.server = _started(stack, *SERVERS[name])
        port = self.server.hear()["port"]
        before = self.server.ask(do="memory")["bytes"]
        share = [count // _PROCESSES + (number < count % _PROCESSES) for number in range(_PROCESSES)]
        self.clients = [
            _started(stack, "benchmarks.ws.clients", str(port), str(size), str(sum(share[:at])), str(int(name == OURS)))
            for at, size in enumerate(share)
        ]
        for client in self.clients:
            client.hear()
        self._before = before
        self.rounds: list[list[int]] = []

    def run(self, number: int, *, counts: bool) -> None:
        """Send one event and wait until every client has it."""
        for client in self.clients:
            client.ask(do="expect", round=number)
        at = self.server.ask(do="send", round=number)["at"]
        times = [time - at for client in self.clients for time in client.hear()["arrived"]]
        if counts:
            self.rounds.append(times)

    def result(self) -> Result:
        now = self.server.ask(do="memory")
        if now["connections"] != self.count:
            raise RuntimeError(f"{self.name}: {now['connections']} of {self.count} connections are left")
        return result_of(self.name, self.count, self.rounds, before=self._before, after=now["bytes"])


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = _arguments()
    with contextlib.ExitStack() as stack:
        fleets = [Fleet(name, options.clients, stack) for name in SERVERS]
        # In turn, so that whatever else the machine does falls on all of them.
        for number in range(_WARM_UP + options.rounds):
            for fleet in fleets:
                fleet.run(number, counts=number >= _WARM_UP)
                WallClock().block(0.05)
        results = [fleet.result() for fleet in fleets]
    base = next(result for result in results if result.server == BASE)
    ours = next(result for result in results if result.server == OURS)
    Console(width=120).print(_table(results, base))
    times = ratio(ours, base)
    print(
        f"{OURS}: {times:.2f} times {BASE} until all have it (aim: at most {AIM_RATIO}),"
        f" {ours.kib_per_client:.1f} KiB a client (aim: at most {AIM_KIB:.0f})"
    )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        report = {"results": results, "ratio": times, "aim_ratio": AIM_RATIO, "aim_kib": AIM_KIB}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def _table(results: list[Result], base: Result) -> Table:
    table = Table(title=f"one event to {base.clients} WebSocket clients (ms), median of {base.rounds} rounds")
    for name in ("server", "p50", "p99", "max", "all p50", "all p99", "ratio", "KiB/client"):
        table.add_column(name, justify="left" if name == "server" else "right")
    for run in results:
        numbers = (run.p50_ms, run.p99_ms, run.max_ms, run.all_p50_ms, run.all_p99_ms)
        table.add_row(
            run.server, *[f"{number:.1f}" for number in numbers], f"{ratio(run, base):.2f}", f"{run.kib_per_client:.1f}"
        )
    return table


def _started(stack: contextlib.ExitStack, *arguments: str) -> Child:
    return stack.enter_context(_child(*arguments))


@contextlib.contextmanager
def _child(*arguments: str) -> Iterator[Child]:
    child = Child(*arguments)
    try:
        yield child
    finally:
        child.end()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ws", description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000, help="connections to each server (default 10000)")
    parser.add_argument("--rounds", type=int, default=20, help="events that are measured (default 20)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
