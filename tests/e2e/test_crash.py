"""``kill -9`` of every part in the middle of a lock-step replay: the same orders, fills and ledger as without."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
import pytest_asyncio
from support.replay import CheckpointPreventer, Killer, Platform, Run, platform, promote_strategies, store_sample
from support.servers import require_kafka, temporary_home

from millstream.market.feeds.lockstep import Stage

FIRST_BAR, BARS = 1000, 60
PUBLISHED = Stage.BARS_PUBLISHED, Stage.WATERMARK_PUBLISHED
HANDLED = Stage.BARS_CONSUMED, Stage.FINISHED
# A runner waits longer before each restart, so its four stages are two replays.
STAGES = pytest.mark.parametrize(
    "stages", [pytest.param(PUBLISHED, id="published"), pytest.param(HANDLED, id="handled")]
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Scene:
    """A platform at work and what its strategies do when nobody disturbs them."""

    platform: Platform
    undisturbed: Run

    async def disturbed(self, victims: dict[int, str], stages: Sequence[Stage]) -> Run:
        """A replay in which victims are killed, by the number of the slice among those with decisions.

        The first of them at the first stage, the next at the next one, and so on in turn.
        """
        decided = self.undisturbed.decided()
        plan = {
            (stages[count % len(stages)], decided[number]): victim
            for count, (number, victim) in enumerate(victims.items())
        }
        killer = Killer(self.platform, plan)
        run = await self.platform.replay(killer)
        assert killer.killed == list(victims.values())
        return run


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["redis", pytest.param("kafka", marks=pytest.mark.kafka)]
)
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """A platform on each bus, with strategies that order at nearly every slice."""
    address = ""
    if request.param == "kafka":
        require_kafka()
        address = request.getfixturevalue("kafka_broker").bootstrap
    with temporary_home() as home:
        async with platform(home, request.param, address) as running:
            store_sample(running.endpoints.database_url, FIRST_BAR, BARS)
            await promote_strategies(running, home / "notebooks")
            yield Scene(running, await running.replay())


async def test_paper_in_lock_step_equals_the_backtest(scene):
    assert scene.undisturbed.parity == {"cross@1": "", "swing@1": ""}
    assert scene.undisturbed.epochs == {"cross@1": 1, "swing@1": 1}
    assert all(len(done["fills"]) > 10 for done in scene.undisturbed.did.values())


@STAGES
async def test_a_killed_runner_of_a_vectorised_strategy_changes_no_order_and_no_ledger(scene, stages):
    run = await scene.disturbed({8: "runner:cross", 27: "runner:cross"}, stages)
    assert run.did == scene.undisturbed.did
    assert run.epochs == {"cross@1": 3, "swing@1": 1}


@STAGES
async def test_a_killed_runner_of_an_event_driven_strategy_changes_no_order_and_no_ledger(scene, stages):
    run = await scene.disturbed({8: "runner:cross", 20: "runner:swing", 41: "runner:swing"}, stages)
    assert run.did == scene.undisturbed.did
    assert run.epochs == {"cross@1": 2, "swing@1": 3}


@pytest.mark.parametrize("number", [0, 4, 8])
async def test_a_runner_killed_between_a_cancel_and_its_checkpoint_changes_no_order_and_no_ledger(scene, number):
    at = scene.undisturbed.replaced("swing@1")[number]
    run = await scene.platform.replay(CheckpointPreventer(scene.platform, "swing", at))
    assert run.did == scene.undisturbed.did
    assert run.epochs == {"cross@1": 1, "swing@1": 2}


async def test_a_killed_trading_service_changes_no_order_and_no_ledger(scene):
    run = await scene.disturbed(dict.fromkeys((9, 20, 31, 42), "trading"), PUBLISHED + HANDLED)
    assert run.did == scene.undisturbed.did
    assert run.epochs == scene.undisturbed.epochs


async def test_a_killed_redis_changes_no_order_and_no_ledger(scene):
    run = await scene.disturbed(dict.fromkeys((8, 18, 29, 41), "redis"), PUBLISHED + HANDLED)
    assert run.did == scene.undisturbed.did
    assert run.epochs == scene.undisturbed.epochs


async def test_a_killed_postgresql_changes_no_order_and_no_ledger(scene):
    run = await scene.disturbed(dict.fromkeys((10, 22, 33, 44), "postgres"), PUBLISHED + HANDLED)
    assert run.did == scene.undisturbed.did
    assert run.epochs == scene.undisturbed.epochs
