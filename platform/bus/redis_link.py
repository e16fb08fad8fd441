"""One connection to Redis that speaks in pipelines.

The bus owns its connections instead of using ``redis.asyncio.Redis``: a blocking XREAD holds one anyway, publishing
needs its order, and the client's pool, retries and response conversion cost more than the commands.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from ..contracts.errors import ConfigurationError

UNREACHABLE = (
    RedisConnectionError,
    RedisTimeoutError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
    OSError,
)
"""Faults that pass: nothing listens, no answer, still loading, no memory left, a replica before its promotion."""

_REFUSED = (AuthenticationError, AuthorizationError)
_PATIENCE_FOR_AN_ANSWER = 5.0

Argument = bytes | str | int


def shown(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def pool_of(url: str) -> ConnectionPool:
    """The settings of ``url`` for connections. Raises :class:`ConfigurationError` when it is no Redis URL."""
    try:
        return ConnectionPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=_PATIENCE_FOR_AN_ANSWER,
            driver_info=None,
        )
    except ValueError as error:
        raise ConfigurationError(
            f"{shown(url)!r} is not a Redis URL: {error}",
            hint="Use redis://host:port/0, rediss://… for TLS, or unix:///path/to/redis.sock.",
        ) from error


def pack(*arguments: Argument) -> bytes:
    """One command in the wire format."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        raw = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


class RedisLink:
    """A connection of its own, opened at the first call and again after a fault. One task at a time uses it."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]

    async def call(self, *arguments: Argument, patience: float = 0.0) -> Any:
        """One command and its answer; ``patience`` is how many seconds the server may block on it.

        Raises one of ``UNREACHABLE`` for a passing fault and :class:`ConfigurationError` where Redis refuses.
        """
        return (await self.send([pack(*arguments)], patience=patience))[0]

    async def send(self, packed: Sequence[bytes], *, patience: float = 0.0) -> list[Any]:
        """Several packed commands in one round trip, and their answers in order. Raises as :meth:`call` does."""
        try:
            async with asyncio.timeout(patience + _PATIENCE_FOR_AN_ANSWER):
                await self._connection.send_packed_command(b"".join(packed), check_health=False)
                answers = [await self._answer() for _ in packed]
        except _REFUSED as error:
            raise _refusal(error) from error
        for answer in answers:
            if isinstance(answer, UNREACHABLE):
                raise answer
            if isinstance(answer, ResponseError):
                raise _refusal(answer) from answer
        return answers

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)

    async def _answer(self) -> Any:
        """The next answer; an error is returned, because the answers behind it have to be read as well."""
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error


def _refusal(error: RedisError) -> ConfigurationError:
    return ConfigurationError(
        f"Redis refused what the bus asked for: {error}",
        hint="Check the password and the permissions of this user, and that no other program uses these keys.",
    )
