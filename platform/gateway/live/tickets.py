"""One-time tickets: a browser cannot send headers with a WebSocket, so it shows a ticket that it fetched before."""

import secrets
from typing import cast

import msgspec
import redis.asyncio

from ..auth.access import Principal

SECONDS = 30
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Principal)


class Tickets:
    """Tickets in Redis: each opens one connection for the principal that asked for it, within 30 seconds."""

    def __init__(self, connection: "redis.asyncio.Redis", namespace: str) -> None:
        self._redis = connection
        self._prefix = f"{namespace}gateway:live:ticket:"

    async def issue(self, principal: Principal) -> str:
        """A new ticket. Raises :class:`redis.exceptions.RedisError` when Redis does not answer."""
        ticket = secrets.token_urlsafe(32)
        await self._redis.set(self._prefix + ticket, _encoder.encode(principal), ex=SECONDS)
        return ticket

    async def redeem(self, ticket: str) -> Principal | None:
        """Who may connect with ``ticket``; None when it is unknown, used or too old."""
        found = await self._redis.getdel(self._prefix + ticket)
        return None if found is None else _decoder.decode(cast("bytes", found))
