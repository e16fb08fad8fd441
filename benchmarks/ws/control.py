"""How the benchmark talks with its processes: one JSON line there, one JSON line back."""

import asyncio
import gc
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

Command = dict[str, Any]


def raise_open_files() -> None:
    """As many open files as this process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def say(**answer: object) -> None:
    """One line to the parent."""
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    sys.stdout.flush()


def memory() -> int:
    """Proportional set size of this process in bytes, without garbage."""
    gc.collect()
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel tells no proportional set size")


async def obey(commands: dict[str, Callable[[Command], Awaitable[dict[str, object]]]]) -> None:
    """Carry out the parent's commands until it closes the pipe."""
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", 0))
    while line := await reader.readline():
        command = msgspec.json.decode(line)
        say(**await commands[command["do"]](command))
