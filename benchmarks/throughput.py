"""Sustained intents a second: a backlog is published as fast as the bus takes it, the service works it off."""

import asyncio

import msgspec
import psycopg

from millstream.contracts.topics import TOPICS

from .load import intent, open_accounts, quotes
from .processes import python, wait_until
from .servers import Servers

CHUNK = 200


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """``per_second`` over the time from the first to the last acknowledgement of ``count`` orders."""

    bus: str
    count: int
    per_second: float


async def throughput(servers: Servers, count: int) -> Throughput:
    """Acknowledged orders a second while intents arrive faster than that."""
    open_accounts(servers.dsn)
    async with servers.bus() as bus:
        await bus.create_topics(TOPICS.values())
        with python("millstream.execution", environment=servers.environment()):
            await bus.publish(quotes(1))
            await asyncio.to_thread(wait_until, servers.dsn, "SELECT count(*) = 20 FROM marks")
            for start in range(0, count, CHUNK):
                await bus.publish([intent(number) for number in range(start, min(start + CHUNK, count))])
            done = "SELECT count(*) = %s FROM orders WHERE acked_wall > 0"
            await asyncio.to_thread(wait_until, servers.dsn, done, count)
    with psycopg.connect(servers.dsn) as conn:
        row = conn.execute("SELECT max(acked_wall) - min(acked_wall) FROM orders").fetchone()
    seconds = (row[0] if row else 0) / 1e9
    return Throughput(bus=servers.kind, count=count, per_second=count / seconds)
