"""What a strategy shows is stored with the checkpoint of its decision, and published."""

import os
import signal

from integration.runner.conftest import DAY, KEY, PRICES, START
from support.strategies import STRATEGY, cross

from millstream.bootstrap import event_bus
from millstream.bus.base import StartAt, Subscription
from millstream.contracts import topics
from millstream.contracts.codec import decode
from millstream.contracts.enums import RunnerState
from millstream.contracts.events import SliceFinished

SHOWING = STRATEGY.replace("return (fast", "self.show(fast=fast, slow=slow)\n        return (fast")
_STORED = "SELECT ts, values FROM indicators WHERE deployment_id = %s AND instrument = %s ORDER BY ts"


def finished(number, epoch=1):
    return lambda event: (
        isinstance(event, SliceFinished) and event.ts == START + (number + 1) * DAY and event.epoch == epoch
    )


def expected(slices):
    """Averages of the last 2 and 4 prices, as the notebook's ``target`` computes them over the stored bars before."""
    found = {}
    for number in slices:
        window = PRICES[: number + 1]
        values = {"fast": sum(window[-2:]) / 2} if len(window) >= 2 else {}
        if len(window) >= 4:
            values["slow"] = sum(window[-4:]) / 4
        if values:
            found[START + (number + 1) * DAY] = values
    return found


async def test_indicators_are_stored_once_a_slice_also_by_a_runner_that_is_killed(installation):
    async with installation.supervisor(), installation.market() as market:
        deployment = await installation.deploy(cross(strategy=SHOWING))
        running = await installation.until(deployment, RunnerState.RUNNING)
        await market.play(*range(5))
        await market.until(finished(4))
        os.kill(running.pid, signal.SIGKILL)
        await installation.until(deployment, RunnerState.RUNNING, epoch=2)
        await market.play(*range(5, 9))
        await market.until(finished(8, epoch=2))
        await market.end()
        await installation.until(deployment, RunnerState.COMPLETED)

    stored = await installation.query(_STORED, deployment.deployment_id, KEY)
    assert dict(stored) == expected(range(9))
    published = await heard(installation, len(stored))
    assert {event.ts: event.values for event in published} == expected(range(9))
    assert {(event.deployment_id, event.instrument, event.session) for event in published} == {
        (deployment.deployment_id, KEY, "replay-test")
    }


async def heard(installation, count):
    """The first ``count`` events on ``features.indicators``."""
    wanted = Subscription(topics=[topics.FEATURES_INDICATORS.name], start_at=StartAt.EARLIEST)
    found = []
    async with event_bus(installation.settings, installation.endpoints) as bus, await bus.subscribe(wanted) as consumer:
        while len(found) < count:
            found += [decode(item.topic, item.value) for item in await consumer.read(timeout=5)]
    return found
