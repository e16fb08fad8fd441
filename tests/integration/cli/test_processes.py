"""The processes of a node: kept running, given up with a reason, never left behind."""

import asyncio
import os
import signal

import psutil
import pytest

from millstream.cli.node import ending_with
from millstream.cli.processes import ProcessManager, Service
from millstream.contracts.errors import FatalError
from millstream.ops.clock import WallClock

SLEEPS = ["-c", "import signal; signal.pause()"]
FAILS = ["-c", "raise SystemExit('no disk left')"]
STUBBORN = ["-c", "import signal, sys; signal.signal(15, signal.SIG_IGN); print('armed', flush=True); signal.pause()"]
# Told to stop, it writes the file of its first argument, and ends when that of its second is there.
ENDS = """
import os, pathlib, signal, sys, time
def end(*_):
    pathlib.Path(sys.argv[1]).touch()
    while not all(os.path.exists(name) for name in sys.argv[2:]):
        time.sleep(0.01)
    sys.exit()
signal.signal(15, end)
print('armed', flush=True)
signal.pause()
"""


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.01)


async def test_service_killed_with_9_is_started_again(tmp_path):
    async with ProcessManager(tmp_path, WallClock()) as processes:
        await processes.start(Service("sleeper", SLEEPS))
        first = processes.pid("sleeper")
        os.kill(first, signal.SIGKILL)
        await until(lambda: processes.pid("sleeper") != first)
        second = processes.pid("sleeper")
        assert psutil.pid_exists(second)
    assert not psutil.pid_exists(second)


async def test_what_began_together_is_told_to_stop_together_and_before_what_it_stands_on(tmp_path):
    ends = ["-c", ENDS]
    async with ProcessManager(tmp_path, WallClock()) as processes:
        await processes.start(Service("server", [*ends, str(tmp_path / "server")]))
        # Each of the two ends when it sees the other one end.
        await processes.start(
            Service("left", [*ends, str(tmp_path / "left"), str(tmp_path / "right")]),
            Service("right", [*ends, str(tmp_path / "right"), str(tmp_path / "left")]),
        )
        for name in processes.names:
            await until(lambda: "armed" in processes.log_file(name).read_text())  # noqa: B023 - awaited here
    ended = {name: (tmp_path / name).stat().st_mtime_ns for name in ("server", "left", "right")}
    assert max(ended, key=ended.get) == "server"


async def test_service_that_cannot_be_kept_running_ends_the_work_with_its_log(tmp_path):
    async with ProcessManager(tmp_path, WallClock()) as processes:
        await processes.start(Service("broken", FAILS))
        with pytest.raises(FatalError, match="no disk left"):
            async with ending_with(processes):
                await asyncio.Event().wait()


async def test_cancelled_work_stays_cancelled(tmp_path):
    async def work():
        async with ProcessManager(tmp_path, WallClock()) as processes, ending_with(processes):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_service_that_ignores_sigterm_is_killed_after_its_time(tmp_path):
    async with ProcessManager(tmp_path, WallClock()) as processes:
        await processes.start(Service("stubborn", STUBBORN, stop_seconds=0.2))
        await until(lambda: "armed" in processes.log_file("stubborn").read_text())
        pid = processes.pid("stubborn")
    assert not psutil.pid_exists(pid)
