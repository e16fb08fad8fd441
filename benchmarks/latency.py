"""Intent to venue acknowledgement at a steady rate, beside the floor of the same machine, bus and moment."""

import asyncio
from typing import Any

import msgspec
import psycopg

from millstream.contracts.topics import TOPICS

from .load import Percentiles, intent, open_accounts, percentiles, quotes, send
from .processes import python, wait_until
from .servers import Servers

WARM_UP = 200


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """One run: milliseconds from the intent's making to the journal's commit and to the acknowledgement."""

    bus: str
    what: str
    rate: int
    journalled: Percentiles
    acked: Percentiles


async def floor(servers: Servers, rate: int, count: int) -> Latency:
    """The bare loop under the same load."""
    async with servers.bus() as bus:
        await bus.create_topics(TOPICS.values())
        total = WARM_UP + count
        with python("benchmarks.floor", str(total), environment=servers.environment()) as process:
            assert process.stdout is not None  # noqa: S101 - opened as a pipe
            await asyncio.to_thread(process.stdout.readline)
            await send(bus, intent, rate=rate, count=WARM_UP)
            await send(bus, intent, rate=rate, count=count, first=WARM_UP)
            answer: dict[str, Any] = msgspec.json.decode(await asyncio.to_thread(process.stdout.read))
    return _result(servers, "floor", rate, answer["journalled"][WARM_UP:], answer["acked"][WARM_UP:])


async def trading(servers: Servers, rate: int, count: int) -> Latency:
    """The trading service, with risk, journal, paper venue and outbox."""
    open_accounts(servers.dsn)
    async with servers.bus() as bus:
        await bus.create_topics(TOPICS.values())
        with python("millstream.execution", environment=servers.environment()):
            await bus.publish(quotes(1))
            await _until(servers, "SELECT count(*) = 20 FROM marks")
            await send(bus, intent, rate=rate, count=WARM_UP)
            await bus.publish(quotes(2))
            await send(bus, intent, rate=rate, count=count, first=WARM_UP)
            await _until(servers, "SELECT count(*) = %s FROM orders WHERE acked_wall > 0", WARM_UP + count)
    with psycopg.connect(servers.dsn) as conn:
        rows = conn.execute(
            "SELECT journalled_wall - intent_wall, acked_wall - intent_wall FROM orders ORDER BY intent_wall OFFSET %s",
            (WARM_UP,),
        ).fetchall()
    return _result(servers, "trading", rate, [row[0] for row in rows], [row[1] for row in rows])


async def _until(servers: Servers, sql: str, *values: object) -> None:
    await asyncio.to_thread(wait_until, servers.dsn, sql, *values)


def _result(servers: Servers, what: str, rate: int, journalled: list[int], acked: list[int]) -> Latency:
    return Latency(bus=servers.kind, what=what, rate=rate, journalled=percentiles(journalled), acked=percentiles(acked))
