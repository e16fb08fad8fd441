import asyncio
import contextlib

import pytest
from support.live import order, principal, quote

from millstream.bus.base import Record
from millstream.bus.memory import MemoryBus
from millstream.contracts import topics
from millstream.contracts.codec import encode
from millstream.contracts.enums import HaltState, RunnerState, ScopeKind
from millstream.contracts.errors import RetriableError
from millstream.contracts.events import HaltChanged, RunnerHeartbeat, RunnerStateChanged, SliceFinished
from millstream.gateway.live.directory import Place
from millstream.gateway.live.feeding import Feeder
from millstream.gateway.live.hub import Hub
from millstream.gateway.live.loading import Drift
from millstream.gateway.live.protocol import Filter
from millstream.gateway.live.streams import EventStream
from millstream.gateway.live.topics import LiveTopic
from millstream.ops.clock import WallClock

PLACES = {"d1": Place("p1", ""), "d3": Place("p2", "replay-1")}
HALT = HaltChanged(
    event_id="h", occurred_at=5, scope=ScopeKind.GLOBAL, state=HaltState.HALTED, actor="ann", reason="test"
)


def runner(deployment="d1", *, at=0, epoch=1, state=RunnerState.RUNNING):
    return RunnerStateChanged(
        event_id=f"{deployment}/{at}/{state}", occurred_at=at, deployment_id=deployment, epoch=epoch, state=state
    )


class Tables:
    """A database: what it answers, and what happens while it does."""

    def __init__(self):
        self.rows = []
        self.found = Drift(dict(PLACES), [], [], [])
        self.meanwhile = None
        self.faults = []

    async def everything(self):
        await self._answering()
        return dict(PLACES), list(self.rows)

    async def drift(self, known):
        answer = self.found
        await self._answering()
        return answer

    async def places(self):
        return self.found.places

    async def _answering(self):
        if self.faults:
            raise self.faults.pop()
        if self.meanwhile is not None:
            await self.meanwhile()


class Rig:
    def __init__(self):
        self.hub = Hub(WallClock())
        self.bus = MemoryBus(clock=WallClock())
        self.tables = Tables()
        self.feeder = Feeder(self.hub, self.bus, self.tables, WallClock())

    async def publish(self, *events):
        await self.bus.publish([record(event) for event in events])

    def follow(self, *names, who=None):
        """What a client of ``names`` gets, from now on."""
        stream = EventStream(self.hub, who or principal("ann"))
        stream.follow([LiveTopic(name) for name in names], Filter(), None)
        return Reader(stream)


class Reader:
    def __init__(self, stream):
        self._texts = stream.texts()

    async def events(self, count):
        """The ids of the next ``count`` events, snapshots included."""
        found = []
        while len(found) < count:
            found += [part.split(b'"', 1)[0].decode() for part in (await self.text()).split(b'"event_id":"')[1:]]
        return found

    async def text(self):
        async with asyncio.timeout(10):
            return await anext(self._texts)


def record(event):
    name = {
        "OrderUpdated": topics.ORDERS_PLACED,
        "Quote": topics.MARKET_RAW_DATA,
        "HaltChanged": topics.CONTROL_COMMANDS,
    }.get(type(event).__name__, topics.RUNNER_EVENTS)
    return Record(name.name, "key", encode(event))


@contextlib.asynccontextmanager
async def opened():
    rig = Rig()
    async with rig.bus:
        await rig.bus.create_topics(topics.TOPICS.values())
        yield rig


async def test_what_happens_while_the_state_is_read_is_neither_missing_nor_double():
    async with opened() as rig:

        async def meanwhile():
            await rig.publish(order("o1", 2), order("o2", 1))

        rig.tables.rows = [order("o1", 2)]
        rig.tables.meanwhile = meanwhile
        await rig.publish(order("o1", 1))
        async with rig.feeder.running():
            reader = rig.follow("orders")
            await rig.publish(order("o1", 3))
            assert await reader.events(3) == ["o1/2", "o2/1", "o1/3"]


async def test_events_of_the_bus_reach_those_who_follow_their_topic_in_order():
    async with opened() as rig, rig.feeder.running():
        reader = rig.follow("orders", "prices", "halts")
        await rig.publish(order("o1"), order("o1", 2), order("o2"))
        assert await reader.events(3) == ["o1/1", "o1/2", "o2/1"]
        await rig.publish(HALT)
        assert await reader.events(1) == ["h"]
        await rig.publish(quote("SAMPLE:AAPL", 1))
        assert await reader.events(1) == ["SAMPLE:AAPL/1"]


async def test_what_is_no_event_or_of_no_live_topic_is_passed_over():
    async with opened() as rig, rig.feeder.running():
        reader = rig.follow("orders", "runners")
        await rig.bus.publish([Record(topics.ORDERS_PLACED.name, "key", b"no json")])
        await rig.publish(SliceFinished(event_id="s", occurred_at=1, deployment_id="d1", epoch=1, ts=1), runner())
        assert await reader.events(1) == ["d1/0/running"]
        assert rig.hub.seq == 1


async def test_a_deployment_that_is_new_is_looked_up_before_its_event_is_told():
    async with opened() as rig, rig.feeder.running():
        reader = rig.follow("runners", who=principal("bob", "p9"))
        rig.tables.found = Drift({**PLACES, "d9": Place("p9", "")}, [], [], [])
        await rig.publish(RunnerHeartbeat(event_id="beat", occurred_at=1, deployment_id="d9", epoch=1, ts=1))
        assert await reader.events(1) == ["beat"]


async def test_a_halt_and_its_end_are_told_though_the_bus_told_neither():
    async with opened() as rig, rig.feeder.running():
        reader = rig.follow("halts")
        rig.tables.found = Drift(PLACES, [], [HALT], [])
        await rig.feeder.look_again()
        await rig.feeder.look_again()
        assert await reader.events(1) == ["h"]
        rig.tables.found = Drift(PLACES, [], [], [])
        await rig.feeder.look_again()
        await rig.feeder.look_again()
        assert b'"state":"active"' in await reader.text()
        assert rig.hub.seq == 2
        await rig.publish(HALT)
        await rig.publish(runner())
        beats = rig.follow("runners")
        await beats.events(1)
        assert rig.hub.things(LiveTopic.HALTS) == []


async def test_a_runner_that_was_killed_silently_is_told_and_one_that_spoke_meanwhile_is_not_contradicted():
    async with opened() as rig:
        rig.tables.rows = [runner("d1"), runner("d3")]
        async with rig.feeder.running():
            reader = rig.follow("runners")
            await reader.events(2)

            async def meanwhile():
                told = runner("d3", at=2, state=RunnerState.COMPLETED)
                await rig.feeder.ingest([delivered(told)])

            failed = runner("d1", state=RunnerState.FAILED)
            rig.tables.found = Drift(PLACES, [failed, runner("d3", epoch=1, state=RunnerState.STOPPED)], [], [])
            rig.tables.meanwhile = meanwhile
            await rig.feeder.look_again()
            assert await reader.events(2) == ["d3/2/completed", "d1/0/failed"]
            assert rig.hub.seq == 4


def delivered(event):
    from millstream.bus.base import Delivery

    made = record(event)
    return Delivery(made.topic, 0, 0, made.key, made.value, {}, 0)


async def test_a_fault_starts_again_from_the_database_under_a_new_epoch():
    async with opened() as rig, rig.feeder.running():
        epoch = rig.hub.epoch
        rig.tables.rows = [order("o1", 7)]
        rig.tables.found = None  # an answer that cannot be: a fault of the program
        async with asyncio.timeout(20):
            while rig.hub.epoch == epoch:  # noqa: ASYNC110 - it happens by itself, within seconds
                await asyncio.sleep(0.05)
        rig.tables.found = Drift(PLACES, [], [], [])
        assert await rig.follow("orders").events(1) == ["o1/7"]


async def test_a_database_that_is_away_at_the_start_is_an_error_and_the_consumer_is_closed():
    async with opened() as rig:
        rig.tables.faults = [RetriableError("the database is away")]
        with pytest.raises(RetriableError, match="the database is away"):
            async with rig.feeder.running():
                raise AssertionError
