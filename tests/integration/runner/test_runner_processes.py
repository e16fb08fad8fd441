"""The zygote and the supervisor as processes: what they share, and that nothing of them is left behind."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
from integration.runner.conftest import KEY
from integration.runner.test_runner_lifecycle import finished, statuses
from support.strategies import code, cross

from millstream.contracts.enums import RunnerState
from millstream.promotion.promote import stop_deployment


def private_megabytes(pid):
    smaps = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(found) for found in re.findall(r"^Private_\w+:\s+(\d+) kB", smaps, re.MULTILINE)) / 1024


def environment_of(pid):
    return Path(f"/proc/{pid}/environ").read_bytes()


async def until(condition, seconds=15.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)


async def test_zygote_has_one_thread_and_no_secret_and_its_forks_share_its_memory(installation, monkeypatch):
    monkeypatch.setenv("BINANCE_SECRET", "canary")
    async with installation.supervisor() as launcher, installation.market():
        await launcher.until_ready()
        zygote = launcher.zygote_pid
        threads, environment = psutil.Process(zygote).num_threads(), environment_of(zygote)
        deployment = await installation.deploy(cross([code("import os; assert 'BINANCE_SECRET' not in os.environ")]))
        running = await installation.until(deployment, RunnerState.RUNNING)
        private, group = private_megabytes(running.pid), os.getpgid(running.pid)

    assert threads == 1
    assert b"canary" not in environment
    assert group == running.pid
    assert private < 40
    assert not psutil.pid_exists(zygote)
    assert not psutil.pid_exists(running.pid)


async def test_stopped_and_killed_runners_leave_no_zombie(installation):
    async with installation.supervisor() as launcher, installation.market():
        deployment = await installation.deploy()
        running = await installation.until(deployment, RunnerState.RUNNING)
        os.kill(running.pid, signal.SIGKILL)
        again = await installation.until(deployment, RunnerState.RUNNING, epoch=2)
        await stop_deployment(deployment.deployment_id, installation.deps)
        await installation.until(deployment, RunnerState.STOPPED)
        children = psutil.Process(launcher.zygote_pid).children()

    assert children == []
    assert not psutil.pid_exists(again.pid)


async def test_runners_of_a_dead_zygote_start_again_from_a_new_one(installation):
    async with installation.supervisor() as launcher, installation.market() as market:
        deployment = await installation.deploy()
        first = await installation.until(deployment, RunnerState.RUNNING)
        os.kill(launcher.zygote_pid, signal.SIGKILL)
        await until(lambda: not psutil.pid_exists(first.pid))
        await installation.until(deployment, RunnerState.RUNNING, epoch=2)
        await market.play(0)
        await market.until(finished(0, epoch=2))


async def test_killed_supervisor_takes_its_runners_along_and_the_next_one_goes_on(installation):
    settings, endpoints = installation.settings, installation.endpoints
    environment = {
        **os.environ,
        "MILLSTREAM_HOME": str(settings.home),
        "MILLSTREAM_DATABASE_URL": endpoints.database_url,
        "MILLSTREAM_REDIS_URL": endpoints.redis_url,
        "MILLSTREAM_NAMESPACE": settings.namespace,
    }
    log = settings.home / "supervisor.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - started, not waited for
            [sys.executable, "-m", "millstream.runner"], env=environment, stdout=output, stderr=output
        )
    try:
        async with installation.market():
            deployment = await installation.deploy()
            first = await installation.until(deployment, RunnerState.RUNNING)
            family = [first.pid, *(child.pid for child in psutil.Process(process.pid).children())]
            process.kill()
            process.wait()
            await until(lambda: not any(psutil.pid_exists(pid) for pid in family))
            async with installation.supervisor():
                again = await installation.until(deployment, RunnerState.RUNNING, epoch=2)
    finally:
        process.kill()
        process.wait()

    assert again.epoch == 2
    assert statuses(first.executed_notebook)[-1] == "failed"
    assert "the supervisor ended" in str(nbformat.read(first.executed_notebook, 4).cells[-1].outputs)


async def test_replay_in_lock_step_waits_for_the_portfolio_version(installation):
    async with installation.supervisor(), installation.market() as market:
        deployment = await installation.deploy()
        await installation.until(deployment, RunnerState.RUNNING)
        await market.play(*range(4), version=0)
        bought = await market.until(finished(3))
        await market.play(4, version=1)
        await market.until(finished(4))
        fills = await installation.query("SELECT instrument, side FROM fills WHERE portfolio_id = 'cross'")

    assert len(bought.intents) == 1
    assert fills == [(KEY, "buy")]
    assert [(str(one.side), int(one.quantity)) for one in market.intents] == [("buy", 90), ("sell", 90)]
