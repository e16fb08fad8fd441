"""How the monitor reaches the gateway: who a browser belongs to, and a client that acts for that person."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from millstream.client import AsyncClient
from millstream.contracts.api.identity import Me, Permission

Connect = Callable[[str], AsyncClient]
Result = TypeVar("Result")


def apart(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """A task for ``work`` that knows nothing of the session which began it.

    A task, a timer and a connection keep the context they were made in for as long as they live, cancelled timers until
    their time. The context of a session names its document: whatever outlives the session would keep all of it.
    """
    return asyncio.get_running_loop().create_task(work, context=Context())


@dataclass(frozen=True, slots=True)
class Viewer:
    """A logged-in person, and the delegated token with which the monitor acts for them."""

    me: Me
    token: str

    def may(self, permission: Permission) -> bool:
        """Whether the gateway would let them: what decides which commands are shown, never which are allowed."""
        return permission in self.me.permissions

    @property
    def sees(self) -> tuple[str, ...]:
        """The portfolios they may see, sorted; empty for all. Viewers with the same ones share a feed."""
        return tuple(sorted(self.me.portfolios))


class _Lent(httpx.AsyncBaseTransport):
    """A transport that outlives the client it was lent to: making one takes 30 ms and a megabyte."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Nothing: its owner closes it."""


def connector(gateway: str) -> Connect:
    """Clients of the gateway at ``gateway``, one for each token; they share their connections."""
    transport = _Lent(httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=50)))

    def connect(token: str) -> AsyncClient:
        return AsyncClient(gateway, token, transport=transport)

    return connect
