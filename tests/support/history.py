"""A short trading history in a database to copy: one deployment, a long trade in two parts, then a short one."""

import asyncio
from collections.abc import Iterator

import pytest
from support.servers import new_database
from support.trading import eventually, order, record, rows, seed, serving, slice_of

from millstream.bus.memory import MemoryBus
from millstream.contracts.enums import Side
from millstream.contracts.topics import TOPICS
from millstream.ops.clock import WallClock

PRICES = {10: (100, 101, 99, 100), 11: (102, 104, 101, 103), 12: (105, 106, 103, 104), 13: (108, 110, 107, 109)}
# Bought on day 11 at 102, half sold on day 12 at 105, turned short on day 13 at 108.
ORDERS = {11: (Side.BUY, 10), 12: (Side.SELL, 5), 13: (Side.SELL, 8)}
_ACKNOWLEDGED = "SELECT count(*) = %s FROM orders WHERE leg = '' AND acked_wall > 0"


async def trade(dsn: str) -> None:
    """Play ``PRICES`` and trade ``ORDERS`` with a stop of 10 %; the last intent is refused."""
    seed(dsn, protection={"stop_loss": "0.1"})
    async with MemoryBus("", clock=WallClock()) as bus:
        await bus.create_topics(TOPICS.values())
        async with serving(dsn, bus):
            for number, (day, prices) in enumerate(PRICES.items(), start=1):
                await bus.publish([record(event) for event in slice_of(day, prices)])
                await eventually(lambda n=number: rows(dsn, "SELECT count(*) = %s FROM equity", n)[0][0])
                if day + 1 in ORDERS:
                    side, quantity = ORDERS[day + 1]
                    await bus.publish([record(order(day + 1, side, quantity, tag="rule"))])
                    await eventually(lambda n=number: rows(dsn, _ACKNOWLEDGED, n)[0][0])
            await bus.publish([record(order(14, Side.BUY, "0.0001", sequence=7))])
            await eventually(lambda: rows(dsn, "SELECT count(*) FROM decisions WHERE NOT approved")[0][0])


@pytest.fixture(scope="session")
def history_template(postgres_dsn: str, schema_template: str) -> Iterator[str]:
    """Name of the database with the history."""
    with new_database(postgres_dsn, schema_template) as dsn:
        asyncio.run(trade(dsn))
        yield dsn.partition("?")[0].rpartition("/")[2]
