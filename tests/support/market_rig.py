"""A trading service and runners that do just enough for a lock-step replay: real PostgreSQL, real or memory bus."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import psycopg

from millstream.bus.base import EventBus, Record, Subscription
from millstream.contracts.codec import decode, encode
from millstream.contracts.events import MarketEvent, SliceFinished, Watermark
from millstream.contracts.ids import random_id
from millstream.contracts.topics import MARKET_RAW_DATA, ORDERS_INTENTS, RUNNER_EVENTS
from millstream.store.database import connect, connect_sync

_OFFSET = (
    "INSERT INTO consumed_offsets VALUES ('trading', %s, %s, %s)"
    " ON CONFLICT (consumer, topic, partition) DO UPDATE SET offset_ = excluded.offset_"
)
_DECISION = (
    "INSERT INTO decisions VALUES (%s, %s, 'd', 'p', 'X:A', %s, 1, '', '', '', '', '', 0, 0)"
    " ON CONFLICT (decision_id) DO NOTHING"
)


def deploy(dsn: str, name: str, session: str, *, state: str = "running", desired: str = "running") -> None:
    """A deployment ``name`` on a portfolio of its own, with a runner in ``state``."""
    with connect_sync(dsn) as conn:
        conn.execute(
            "INSERT INTO releases VALUES ('s', 1, '', 's', '{X:A}', '1d', '{}', '{}', '{}', '', 'me', now())"
            " ON CONFLICT DO NOTHING"
        )
        conn.execute("INSERT INTO portfolios VALUES (%s, 'USD', 1000, %s, 'paper', 7, now())", (f"p-{name}", session))
        conn.execute(
            "INSERT INTO deployments VALUES (%s, 's', 1, 'paper', %s, %s, '{X:A}', '1d', '{}', '{}', '{}', 'hold',"
            " %s, 1, 0, 0, 'me', now(), now())",
            (name, f"p-{name}", session, desired),
        )
        conn.execute(
            "INSERT INTO runners VALUES (%s, 1, %s, '', 1, '', 0, now(), now(), '', '', 0, '{}')", (name, state)
        )


def set_runner(dsn: str, name: str, state: str) -> None:
    with connect_sync(dsn) as conn:
        conn.execute("UPDATE runners SET state = %s WHERE deployment_id = %s", (state, name))


class FakeTrading:
    """Consumes market data and intents, stores offsets, and decides intents ``delay`` seconds late."""

    def __init__(self, dsn: str, bus: EventBus, *, delay: float = 0.0, approve: bool = True) -> None:
        self.dsn, self.bus, self.delay, self.approve = dsn, bus, delay, approve
        self.seen: list[MarketEvent] = []
        self.log: list[tuple[str, str, int]] = []
        self.settled: list[str] = []

    async def run(self) -> None:
        topics = [MARKET_RAW_DATA.name, ORDERS_INTENTS.name]
        conn = await connect(self.dsn, autocommit=True)
        async with conn, await self.bus.subscribe(Subscription(topics=topics)) as consumer:
            while True:
                for delivery in await consumer.read(timeout=1.0):
                    if delivery.topic == MARKET_RAW_DATA.name:
                        event = decode(delivery.topic, delivery.value)
                        assert isinstance(event, MarketEvent)
                        self.seen.append(event)
                    else:
                        await self.decide(conn, json.loads(delivery.value)["intent_id"])
                    await conn.execute(_OFFSET, (delivery.topic, delivery.partition, delivery.offset))

    async def decide(self, conn: psycopg.AsyncConnection, intent: str) -> None:
        if intent in self.settled:
            return
        await asyncio.sleep(self.delay)
        self.settled.append(intent)
        await conn.execute(_DECISION, (intent, intent, self.approve))


class FakeRunner:
    """Decides on watermarks of its instruments as a runner does, and names its intents."""

    def __init__(self, bus: EventBus, name: str, session: str, instruments: tuple[str, ...]) -> None:
        self.bus, self.name, self.session, self.instruments = bus, name, session, instruments
        self.slices: list[int] = []
        self.after: list[Mapping[str, int]] = []
        self.announce = True
        self.publish_intents = True

    async def run(self) -> None:
        marks: dict[str, int] = {}
        async with await self.bus.subscribe(Subscription(topics=[MARKET_RAW_DATA.name])) as consumer:
            while True:
                for delivery in await consumer.read(timeout=1.0):
                    event = decode(delivery.topic, delivery.value)
                    if not isinstance(event, Watermark) or event.session != self.session:
                        continue
                    marks[event.instrument] = event.ts
                    known = [marks.get(key, 0) for key in self.instruments]
                    if min(known) == event.ts and event.ts > max(self.slices, default=0):
                        await self.finish(event)

    async def finish(self, event: Watermark) -> None:
        self.slices.append(event.ts)
        self.after.append(event.after)
        intent = f"{self.name}-{event.ts}"
        records = []
        if self.publish_intents:
            records.append(Record(ORDERS_INTENTS.name, "X:A", json.dumps({"intent_id": intent}).encode()))
        if self.announce:
            done = SliceFinished(
                event_id=random_id(),
                occurred_at=0,
                deployment_id=self.name,
                epoch=1,
                session=self.session,
                ts=event.ts,
                intents=(intent,),
            )
            records.append(Record(RUNNER_EVENTS.name, self.name, encode(done)))
        if records:
            await self.bus.publish(records)


class Background:
    """Runs coroutines for the time of a test."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []

    def start(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self.tasks.append(task)
        return task

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self.tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
