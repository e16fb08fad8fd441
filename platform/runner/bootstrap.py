"""Wires the supervisor's process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ..bootstrap import Endpoints, event_bus, server_checks
from ..bus.base import EventBus
from ..contracts import topics
from ..contracts.clock import Clock
from ..ops.health import HealthServer
from ..ops.metrics import Metrics
from ..ops.settings import Settings
from ..promotion.promote import bundle_folder
from .announcer import Announcer
from .database import Database
from .desired import Roster, be_the_only_one
from .launcher import Launcher
from .listening import listen_to_commands, listen_to_redis
from .local import LocalLauncher
from .policy import Policy
from .spec import addresses
from .supervisor import Supervisor


@contextlib.asynccontextmanager
async def supervising(
    settings: Settings,
    endpoints: Endpoints,
    clock: Clock,
    *,
    policy: Policy | None = None,
    launcher: Launcher | None = None,
    told: bool = False,
) -> AsyncIterator[asyncio.Task[None]]:
    """A supervisor at work for the time of the block, as a task; its runners are stopped at the end.

    Waits for a bus that is away at first no longer than its patience. ``told``: its health and metrics have a port.
    """
    launcher = launcher or LocalLauncher(endpoints.bus_kind)
    database = Database(endpoints.database_url, clock, "millstream-supervisor", be_the_only_one)
    bus = event_bus(settings, endpoints)
    announcer = Announcer(bus, clock)
    supervisor = Supervisor(
        roster=Roster(database),
        launcher=launcher,
        announcer=announcer,
        clock=clock,
        policy=policy or Policy(lease=settings.lease_seconds),
        home=settings.home,
        servers=_servers(settings, endpoints),
    )
    # The zygote needs a second to import everything: it begins before anything else is waited for.
    await launcher.open()
    try:
        async with bus, _telling(settings, endpoints, bus, supervisor) if told else contextlib.nullcontext():
            await bus.create_topics(topics.TOPICS.values())
            helpers = [
                asyncio.create_task(announcer.publish_on()),
                asyncio.create_task(listen_to_commands(bus, clock, supervisor.wake)),
                asyncio.create_task(listen_to_redis(endpoints.redis_url, settings.namespace, clock, supervisor.wake)),
            ]
            working = asyncio.create_task(supervisor.run())
            try:
                yield working
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await supervisor.close()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await announcer.drained()
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
    finally:
        await launcher.close()
        await database.close()


def _telling(settings: Settings, endpoints: Endpoints, bus: EventBus, supervisor: Supervisor) -> HealthServer:
    metrics = Metrics()
    metrics.add(supervisor.tally.collect)
    return HealthServer("supervisor", settings, checks=server_checks(endpoints, bus), metrics=metrics)


def _servers(settings: Settings, endpoints: Endpoints) -> dict[str, object]:
    return {
        **addresses(endpoints),
        "bundle_store": str(bundle_folder(settings)),
        "namespace": settings.namespace,
        "bus_patience": settings.bus_patience,
        "heartbeat_seconds": settings.heartbeat_seconds,
        "intent_ttl_seconds": settings.intent_ttl_seconds,
        "log_level": settings.log_level,
    }
