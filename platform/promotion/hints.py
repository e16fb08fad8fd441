"""Prompts that make a change of a deployment felt at once. The database is the truth: a lost prompt costs a second."""

import redis
import redis.asyncio
import structlog

from ..bus.base import EventBus, Record
from ..contracts import topics
from ..contracts.clock import Clock
from ..contracts.codec import encode
from ..contracts.enums import DesiredState
from ..contracts.errors import RetriableError
from ..contracts.events import DeploymentChanged
from ..contracts.ids import digest

_log = structlog.get_logger()
CONNECT_SECONDS = 2.0


def flag(namespace: str, deployment_id: str) -> str:
    """The Redis key that says what a deployment should be doing; missing means stopped."""
    return f"{namespace}millstream:desired:{deployment_id}"


def channel(namespace: str) -> str:
    """The Redis channel on which changed deployments are named."""
    return f"{namespace}millstream:deployments"


async def set_flag(redis_url: str, namespace: str, deployment_id: str, desired: DesiredState) -> bool:
    """Set the flag and name the deployment on the channel; False when Redis does not answer."""
    client = redis.asyncio.Redis.from_url(
        redis_url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS
    )
    try:
        async with client.pipeline(transaction=True) as pipe:
            pipe.set(flag(namespace, deployment_id), str(desired))
            pipe.publish(channel(namespace), deployment_id)
            await pipe.execute()
    except (redis.RedisError, OSError) as error:
        _log.warning("no hint in Redis, the supervisor looks by itself", error=str(error))
        return False
    finally:
        await client.aclose()
    return True


def changed_event(clock: Clock, deployment_id: str, portfolio_id: str, epoch: int) -> Record:
    """``DeploymentChanged`` for ``control.commands``."""
    now = clock.now()
    event = DeploymentChanged(
        event_id=digest("deployment", deployment_id, epoch, now),
        occurred_at=now,
        deployment_id=deployment_id,
        portfolio_id=portfolio_id,
        epoch=epoch,
    )
    return Record(topics.CONTROL_COMMANDS.name, f"deployment:{deployment_id}", encode(event))


async def publish_changed(bus: EventBus, clock: Clock, deployment_id: str, portfolio_id: str, epoch: int) -> bool:
    """Publish ``DeploymentChanged`` over a bus that is open or not; False when it does not answer."""
    try:
        async with bus:
            # The first deployment of an installation may come before any service has made the topics.
            await bus.create_topics([topics.CONTROL_COMMANDS])
            await bus.publish([changed_event(clock, deployment_id, portfolio_id, epoch)])
    except RetriableError as error:
        _log.warning("change not published, services look by themselves", error=str(error))
        return False
    return True
