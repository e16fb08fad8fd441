"""Looks after the clients: ends those who are silent, and those whose session or key does not count any more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import structlog

from ...contracts.clock import Clock
from ...contracts.errors import MillstreamError
from ..auth.access import Principal
from .hub import Hub
from .protocol import CloseCode

TICK_SECONDS = 1.0
_SECOND = 1_000_000_000
_log = structlog.get_logger()
Stands = Callable[[Principal], Awaitable[bool]]


class Caretaker:
    """One per hub. ``stands`` says whether a principal's session or key still counts as it did."""

    def __init__(self, hub: Hub, stands: Stands, clock: Clock) -> None:
        self._hub = hub
        self._stands = stands
        self._clock = clock
        self._tick = 0
        self._checked_at = clock.monotonic()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after the clients for the time of the block."""
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._tick_on()), loop.create_task(self._check_on())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def tick(self) -> None:
        """Once a second: a share of the clients is asked, so that all are never asked in one go."""
        hub, now = self._hub, self._clock.monotonic()
        self._tick += 1
        share = self._tick % hub.limits.ping_seconds
        turn = [client for client in hub.clients.values() if client.number % hub.limits.ping_seconds == share]
        silence = hub.limits.silence_seconds * _SECOND
        for client in [client for client in turn if now - client.heard_at > silence]:
            hub.end(client, CloseCode.TOO_SLOW, "no answer to pings")
        hub.ping([client for client in turn if client.number in hub.clients])

    async def check(self) -> None:
        """End the connections of those who do not stand as they did when they connected.

        While that cannot be found out connections stay for ``unchecked_seconds``; then all end.
        """
        hub = self._hub
        for principal in {client.principal for client in hub.clients.values()}:
            try:
                stands = await self._stands(principal)
            except (MillstreamError, psycopg.Error) as error:
                _log.warning("live sessions cannot be checked", error=str(error))
                self._unchecked()
                return
            if not stands:
                self._end_all(principal)
        self._checked_at = self._clock.monotonic()

    def _end_all(self, principal: Principal) -> None:
        for client in [one for one in self._hub.clients.values() if one.principal == principal]:
            self._hub.end(client, CloseCode.UNAUTHENTICATED, "the session ended or changed")

    def _unchecked(self) -> None:
        if self._clock.monotonic() - self._checked_at < self._hub.limits.unchecked_seconds * _SECOND:
            return
        for client in list(self._hub.clients.values()):
            self._hub.end(client, CloseCode.GOING_AWAY, "try again")

    async def _tick_on(self) -> None:
        while True:
            await self._clock.sleep(TICK_SECONDS)
            self.tick()

    async def _check_on(self) -> None:
        while True:
            await self._clock.sleep(self._hub.limits.standing_seconds)
            await self.check()
