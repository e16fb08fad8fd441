"""The floor: one hop over the bus and the same two durable commits, without any logic.

``python -m benchmarks.floor COUNT``, with the service's environment, prints ``ready``, then one JSON object with the
nanoseconds from each record's sending to the first and the second commit.
"""

import asyncio
import sys

import msgspec

from millstream.bootstrap import Endpoints, event_bus
from millstream.bus.base import Delivery, Subscription
from millstream.contracts.topics import ORDERS_INTENTS
from millstream.ops.clock import WallClock
from millstream.ops.settings import load_settings
from millstream.store.arrays import text_array
from millstream.store.database import connect

TABLE = "CREATE TABLE IF NOT EXISTS floor (id text PRIMARY KEY, payload text NOT NULL, state text NOT NULL)"
INSERT = b"INSERT INTO floor SELECT id, payload, 'sent' FROM unnest(%s::text[], %s::text[]) AS new (id, payload)"
UPDATE = b"UPDATE floor SET state = 'done' FROM unnest(%s::text[]) AS new (id) WHERE floor.id = new.id"


class Sent(msgspec.Struct):
    """The two fields of an intent that the floor looks at."""

    intent_id: str
    occurred_at: int


async def measure(count: int) -> dict[str, list[int]]:
    """Handle ``count`` records and return what it took (ns): ``journalled`` and ``acked``."""
    settings = load_settings()
    dsn = settings.database_url.get_secret_value() if settings.database_url else ""
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    address = settings.kafka_bootstrap if settings.bus == "kafka" else redis_url
    conn = await connect(dsn, autocommit=True, prepare_threshold=0)
    clock = WallClock()
    journalled: list[int] = []
    acked: list[int] = []
    async with event_bus(settings, Endpoints(dsn, redis_url, settings.bus, address)) as bus, conn:
        await conn.execute(TABLE)
        await conn.execute("TRUNCATE floor")
        async with await bus.subscribe(Subscription(topics=[ORDERS_INTENTS.name])) as consumer:
            print("ready", flush=True)
            while len(acked) < count:
                batch = await consumer.read(max_records=500)
                sent = [_sent(delivery) for delivery in batch]
                ids = text_array([item.intent_id for item in sent])
                payloads = text_array([delivery.value.decode() for delivery in batch])
                async with conn.pipeline():
                    await conn.execute(b"BEGIN")
                    await conn.execute(INSERT, (ids, payloads))
                    await conn.execute(b"COMMIT")
                now = clock.now()
                journalled += [now - item.occurred_at for item in sent]
                async with conn.pipeline():
                    await conn.execute(b"BEGIN")
                    await conn.execute(UPDATE, (ids,))
                    await conn.execute(b"COMMIT")
                now = clock.now()
                acked += [now - item.occurred_at for item in sent]
    return {"journalled": journalled, "acked": acked}


def _sent(delivery: Delivery) -> Sent:
    return msgspec.json.decode(delivery.value, type=Sent)


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(measure(int(sys.argv[1])))).decode())
