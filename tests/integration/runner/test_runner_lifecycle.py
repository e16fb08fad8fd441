"""From the start of a runner to its end, on the real zygote, engine, PostgreSQL and Redis."""

import asyncio
import os
import signal

import nbformat
import psutil
import pytest
from integration.runner.conftest import DAY, START
from psycopg.types.json import Jsonb
from support.strategies import STRATEGY, code, cross

from millstream.contracts.enums import RunnerState
from millstream.contracts.errors import ConflictError
from millstream.contracts.events import SliceFinished
from millstream.promotion.promote import start_deployment, stop_deployment


def finished(number, epoch=1):
    """Is it ``SliceFinished`` of bar ``number``, by that epoch or a later one?"""

    def wanted(event):
        return isinstance(event, SliceFinished) and event.ts == START + (number + 1) * DAY and event.epoch >= epoch

    return wanted


def statuses(path):
    return [cell.metadata.papermill.status for cell in nbformat.read(path, 4).cells if "papermill" in cell.metadata]


def decisions(market):
    return [(str(one.side), int(one.quantity), one.decided_at, one.intent_id) for one in market.intents]


async def test_deployment_on_a_replay_trades_and_completes_with_its_session(installation):
    async with installation.supervisor(), installation.market() as market:
        deployment = await installation.deploy(cross([code("raise RuntimeError", "research")]))
        await installation.until(deployment, RunnerState.RUNNING)
        await market.play(*range(12))
        await market.until(finished(11))
        await market.end()
        done = await installation.until(deployment, RunnerState.COMPLETED)

    made = [(str(one.side), int(one.quantity), (one.decided_at - START) // DAY - 1) for one in market.intents]
    assert made == [("buy", 90, 3), ("sell", 90, 4), ("buy", 100, 8)]
    assert statuses(done.executed_notebook) == ["completed"] * 4 + ["skipped", "completed"]
    assert done.started_ts == START + DAY
    assert done.checkpoint_ts == START + 12 * DAY


async def test_strategy_that_raises_is_held_with_exception_and_cell(installation):
    broken = STRATEGY.replace("return (fast", "raise ValueError('no such luck')\n        return (fast")
    async with installation.supervisor(max_failures=2, backoff=0.05) as _, installation.market() as market:
        deployment = await installation.deploy(cross(strategy=broken))
        await installation.until(deployment, RunnerState.RUNNING)
        await market.play(0)
        # The second runner, under its own epoch, finds the first slice where the first left it.
        await installation.until(deployment, RunnerState.RUNNING, epoch=2)
        await market.play(1)
        held = await installation.until(deployment, RunnerState.HELD, epoch=2)

    assert "held after 2 failures: ValueError: no such luck (cell 4, In [4])" in held.message
    assert statuses(held.executed_notebook)[-1] == "failed"
    errors = [one for cell in nbformat.read(held.executed_notebook, 4).cells for one in cell.get("outputs", [])]
    assert [one.ename for one in errors if one.output_type == "error"] == ["ValueError"]


async def test_cell_that_never_ends_is_killed_and_named(installation):
    async with installation.supervisor(start_limit=1.0, max_failures=1):
        deployment = await installation.deploy(cross([code("while True: pass")]))
        held = await installation.until(deployment, RunnerState.HELD)

    assert "did not reach run() within 1 s: cell 4 has not ended" in held.message
    assert statuses(held.executed_notebook) == ["completed"] * 4 + ["failed", "skipped"]


@pytest.mark.parametrize("moment", ["between slices", "while it decides"])
async def test_killed_runner_goes_on_under_a_new_epoch_with_the_same_intents(installation, moment):
    async with installation.supervisor(), installation.market() as market:
        deployment = await installation.deploy()
        running = await installation.until(deployment, RunnerState.RUNNING)
        await market.play(*range(5))
        await market.until(finished(4 if moment == "between slices" else 0))
        os.kill(running.pid, signal.SIGKILL)
        again = await installation.until(deployment, RunnerState.RUNNING, epoch=2)
        await market.play(*range(5, 12))
        await market.until(finished(11, epoch=2))
        await market.end()
        await installation.until(deployment, RunnerState.COMPLETED)

    kinds = {one.intent_id: (str(one.side), (one.decided_at - START) // DAY - 1) for one in market.intents}
    assert list(kinds.values()) == [("buy", 3), ("sell", 4), ("buy", 8)]
    assert again.restarts == 1
    folder = again.executed_notebook.replace("0002", "0001")
    assert statuses(folder)[-1] == "failed"
    assert "killed by signal 9 (out of memory?)" in str(nbformat.read(folder, 4).cells[-1].outputs)


async def test_slice_decided_again_after_a_kill_meets_its_own_intent_in_lock_step(installation):
    """As if the kill had come between the intents and the checkpoint."""
    async with installation.supervisor(backoff=0.8), installation.market() as market:
        deployment = await installation.deploy()
        running = await installation.until(deployment, RunnerState.RUNNING)
        await market.play(*range(3), version=0)
        await market.until(finished(2))
        [kept] = await installation.query("SELECT checkpoint_ts, checkpoint_offsets FROM runners")
        await market.play(3, version=0)
        await market.until(finished(3))
        os.kill(running.pid, signal.SIGKILL)
        await installation.until(deployment, RunnerState.FAILED)
        await installation.execute(
            "UPDATE runners SET checkpoint_ts = %s, checkpoint_offsets = %s", kept[0], Jsonb(kept[1])
        )
        await market.until(finished(3, epoch=2))
        await market.play(4, version=1)
        await market.until(finished(4, epoch=2))
        orders = await installation.query("SELECT side, filled FROM orders ORDER BY created_ts, side")

    first, again, sold = market.intents
    assert (first.intent_id, first.quantity, again.epoch) == (again.intent_id, again.quantity, 2)
    assert str(sold.side) == "sell"
    assert [(side, int(filled)) for side, filled in orders] == [("buy", 90), ("sell", 0)]


async def test_stopped_runner_says_stopped_and_goes_on_when_started_again(installation):
    talkative = STRATEGY.replace("strategy = Cross", "print('made')\nstrategy = Cross")
    async with installation.supervisor(), installation.market() as market:
        deployment = await installation.deploy(cross(strategy=talkative))
        await installation.until(deployment, RunnerState.RUNNING)
        await market.play(*range(4))
        await market.until(finished(3))
        await stop_deployment(deployment.deployment_id, installation.deps)
        stopped = await installation.until(deployment, RunnerState.STOPPED)
        with pytest.raises(ConflictError):
            await stop_deployment(deployment.deployment_id, installation.deps)
        await market.play(4)
        await start_deployment(deployment.deployment_id, installation.deps)
        again = await installation.until(deployment, RunnerState.RUNNING, epoch=2)
        with pytest.raises(ConflictError):
            await start_deployment(deployment.deployment_id, installation.deps)
        await market.until(finished(4, epoch=2))

    assert statuses(stopped.executed_notebook) == ["completed"] * 4 + ["stopped"]
    assert nbformat.read(stopped.executed_notebook, 4).metadata.millstream == {"status": "stopped", "signal": "SIGTERM"}
    assert again.epoch == 2
    assert [str(one.side) for one in market.intents] == ["buy", "sell"]


async def test_strategy_that_hangs_loses_its_lease_and_its_orders_are_cancelled(installation):
    hanging = STRATEGY.replace("return (fast", "while len(bars) > 1: pass\n        return (fast")
    async with installation.supervisor(lease=1.0, max_failures=1), installation.market() as market:
        deployment = await installation.deploy(cross(strategy=hanging))
        await installation.until(deployment, RunnerState.RUNNING)
        async with installation.commands() as commands:
            await market.play(0, 1)
            held = await installation.until(deployment, RunnerState.HELD)
            cancel = await commands.until(lambda event: type(event).__name__ == "CancelOrders")

    assert "no heartbeat for 1 s" in held.message
    assert (cancel.scope, cancel.scope_id) == ("deployment", deployment.deployment_id)


async def test_runner_whose_epoch_is_over_ends_by_itself(installation):
    async with installation.supervisor(), installation.market():
        deployment = await installation.deploy()
        running = await installation.until(deployment, RunnerState.RUNNING)
        await installation.execute("UPDATE runners SET epoch = 7 WHERE deployment_id = %s", deployment.deployment_id)
        await _gone(running.pid)

    fenced = nbformat.read(running.executed_notebook, 4).cells[-1]
    assert fenced.outputs[-1].ename == "FencedError"


async def test_lost_database_connections_do_not_end_a_runner(installation):
    async with installation.supervisor(), installation.market() as market:
        deployment = await installation.deploy()
        await installation.until(deployment, RunnerState.RUNNING)
        await market.play(0)
        await market.until(finished(0))
        await installation.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'millstream-%%'"
            " AND datname = current_database()"
        )
        await market.play(*range(1, 5))
        await market.until(finished(4))
        now = await installation.state(deployment)

    assert (now.epoch, now.state) == (1, RunnerState.RUNNING)
    assert [str(one.side) for one in market.intents] == ["buy", "sell"]


async def test_notebook_that_runs_another_market_than_deployed_is_refused(installation):
    other = cross()
    other.cells[-1].source = 'await run(strategy, "SAMPLE:IBM", "1d")'
    async with installation.supervisor(max_failures=1):
        deployment = await installation.deploy(other)
        held = await installation.until(deployment, RunnerState.HELD)

    assert "runs SAMPLE:IBM at 1d, but was deployed on SAMPLE:AAPL at 1d" in held.message


async def _gone(pid):
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid):  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)
