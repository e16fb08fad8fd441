"""Starting what is measured, and waiting until it works."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg

from millstream.ops.clock import WallClock


@contextmanager
def python(module: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """``python -m module`` with its standard output in a pipe; terminated at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


def wait_until(dsn: str, sql: str, *values: object, seconds: float = 60.0) -> None:
    """Ask the database until the answer is true. Raises ``TimeoutError``."""
    clock = WallClock()
    deadline = clock.monotonic() + round(seconds * 1e9)
    with psycopg.connect(dsn, autocommit=True) as conn:
        while True:
            row = conn.execute(sql.encode(), values).fetchone()
            if row is not None and row[0]:
                return
            if clock.monotonic() > deadline:
                msg = f"not true within {seconds} s: {sql}"
                raise TimeoutError(msg)
            clock.block(0.05)
