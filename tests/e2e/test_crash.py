"""``kill -9`` of every part in the middle of a lock-step replay: the same orders, fills and ledger as without."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from support.replay import Killer, Platform, Run, platform, promote_strategies, store_sample
from support.servers import require_kafka, temporary_home

from millstream.market.feeds.lockstep import Stage
from millstream.ops.kafka_broker import KafkaBroker

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST_BAR, BARS = 1000, 100
# Orders are decided at the close of every slice here, and filled at most of the opens and in most of the ranges.
STAGES = (Stage.BARS_PUBLISHED, Stage.BARS_CONSUMED, Stage.WATERMARK_PUBLISHED, Stage.FINISHED)


@dataclass(frozen=True)
class Scene:
    """A platform at work and what its strategies do when nobody disturbs them."""

    platform: Platform
    undisturbed: Run

    async def disturbed(self, victims: dict[int, str], stage: Stage) -> Run:
        """A replay in which each victim is killed at ``stage`` of the slice with its number among those with orders."""
        decided = self.undisturbed.decided()
        killer = Killer(self.platform, {(stage, decided[number]): victim for number, victim in victims.items()})
        run = await self.platform.replay(killer)
        assert killer.killed == list(victims.values())
        print("TIMES", victims, stage, self.undisturbed.seconds, run.seconds)
        return run


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["redis", pytest.param("kafka", marks=pytest.mark.kafka)]
)
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    bus = request.param
    if bus == "kafka":
        require_kafka()
    address = request.getfixturevalue("kafka_broker").bootstrap if bus == "kafka" else ""
    with temporary_home() as home:
        async with platform(home, bus, address) as running:
            store_sample(running.endpoints.database_url, FIRST_BAR, BARS)
            await promote_strategies(running, home / "notebooks")
            yield Scene(running, await running.replay())


async def test_paper_in_lock_step_equals_the_backtest(scene):
    assert scene.undisturbed.parity == {"cross@1": "", "swing@1": ""}
    assert all(done["fills"] for done in scene.undisturbed.did.values())


@pytest.mark.parametrize("stage", STAGES)
async def test_a_killed_runner_changes_no_order_and_no_ledger(scene, stage):
    run = await scene.disturbed({10: "runner:cross", 30: "runner:swing", 60: "runner:swing"}, stage)
    assert run.did == scene.undisturbed.did
    assert run.epochs == {"cross@1": 2, "swing@1": 3}


@pytest.mark.parametrize("stage", STAGES)
async def test_a_killed_trading_service_changes_no_order_and_no_ledger(scene, stage):
    run = await scene.disturbed({15: "trading", 50: "trading"}, stage)
    assert run.did == scene.undisturbed.did
    assert run.epochs == scene.undisturbed.epochs


@pytest.mark.parametrize("stage", STAGES)
async def test_a_killed_redis_changes_no_order_and_no_ledger(scene, stage):
    run = await scene.disturbed({20: "redis", 55: "redis"}, stage)
    assert run.did == scene.undisturbed.did
    assert run.epochs == scene.undisturbed.epochs


async def test_a_killed_postgres_changes_no_order_and_no_ledger(scene):
    run = await scene.disturbed({25: "postgres"}, Stage.WATERMARK_PUBLISHED)
    assert run.did == scene.undisturbed.did
