"""What wakes the supervisor before its next tick: Redis hints and ``control.commands``."""

from collections.abc import Callable

import redis
import redis.asyncio
import structlog

from ..bus.base import EventBus, StartAt, Subscription
from ..contracts import topics
from ..contracts.clock import Clock
from ..contracts.errors import RetriableError
from ..promotion.hints import channel

RETRY_SECONDS = 1.0
_log = structlog.get_logger()


async def listen_to_redis(redis_url: str, namespace: str, clock: Clock, wake: Callable[[], None]) -> None:
    """Call ``wake`` at each hint; an outage only means that the next tick has to do."""
    while True:
        client = redis.asyncio.Redis.from_url(redis_url)
        try:
            async with client.pubsub() as hints:
                await hints.subscribe(channel(namespace))
                async for _ in hints.listen():
                    wake()
        except (redis.RedisError, OSError) as error:
            _log.warning("no hints from Redis for now", error=str(error))
        finally:
            await client.aclose()
        await clock.sleep(RETRY_SECONDS)


async def listen_to_commands(bus: EventBus, clock: Clock, wake: Callable[[], None]) -> None:
    """Call ``wake`` at each control command."""
    while True:
        try:
            commands = Subscription(topics=[topics.CONTROL_COMMANDS.name], start_at=StartAt.LATEST)
            async with await bus.subscribe(commands) as consumer:
                while True:
                    if await consumer.read():
                        wake()
        except RetriableError as error:
            _log.warning("no commands from the bus for now", error=str(error))
        await clock.sleep(RETRY_SECONDS)
