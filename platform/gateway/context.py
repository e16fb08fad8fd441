"""What every route works with: the one :class:`Gateway` of the process, wired by ``bootstrap``."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import psycopg
import psycopg_pool
import redis.asyncio
from fastapi import Depends
from starlette.requests import HTTPConnection

from ..bootstrap import Endpoints
from ..bus.base import EventBus
from ..contracts.clock import Clock
from ..ops.settings import Settings
from .audit import stamp

Connection = psycopg.Connection[Any]
Result = TypeVar("Result")


@dataclass(slots=True)
class Gateway:
    """Servers and settings of this installation. ``pool`` holds blocking connections, for the worker threads."""

    settings: Settings
    endpoints: Endpoints
    clock: Clock
    pool: psycopg_pool.ConnectionPool[Connection]
    bus: EventBus
    redis: "redis.asyncio.Redis"

    async def database(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` with a connection in a thread; it commits what it changes itself.

        An error rolls back. Raises :class:`RetriableError` while the database cannot be reached.
        """
        return await asyncio.to_thread(self._work, work)

    def _work(self, work: Callable[[Connection], Result]) -> Result:
        with self.pool.connection() as connection:
            stamp(connection)
            return work(connection)


def gateway_of(connection: HTTPConnection) -> Gateway:
    """The gateway behind a request or a WebSocket."""
    found: Gateway = connection.app.state.gateway
    return found


Here = Annotated[Gateway, Depends(gateway_of)]
