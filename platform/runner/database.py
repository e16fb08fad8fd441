"""A database connection that comes back: work on it is repeated until the server answers again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import structlog

from ..contracts.clock import Clock
from ..contracts.errors import RetriableError
from ..store.database import connect

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]
Work = Callable[[Connection], Awaitable[T]]
LONGEST_PAUSE = 2.0
_log = structlog.get_logger()


class Database:
    """One autocommitting connection, used by one piece of work at a time.

    ``prepare`` is awaited on each new connection. Work must be safe to repeat: after a lost connection nobody knows
    whether its last statement took effect.
    """

    def __init__(self, dsn: str, clock: Clock, name: str, prepare: Work[None] | None = None) -> None:
        self._dsn = dsn
        self._clock = clock
        self._name = name
        self._prepare = prepare
        self._conn: Connection | None = None
        self._lock = asyncio.Lock()
        self.losses = 0

    async def run(self, work: Work[T]) -> T:
        """Do ``work``, waiting for the server for as long as it takes; cancel to give up."""
        pause = 0.05
        while True:
            try:
                async with self._lock:
                    return await work(await self._connected())
            except (psycopg.OperationalError, psycopg.InterfaceError, RetriableError) as error:
                self.losses += 1
                _log.warning("database lost, trying again", error=str(error).strip())
                await self.close()
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()

    async def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            conn = await connect(self._dsn, application_name=self._name, autocommit=True)
            try:
                if self._prepare is not None:
                    await self._prepare(conn)
            except BaseException:
                await conn.close()
                raise
            self._conn = conn
        return self._conn
