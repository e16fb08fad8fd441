"""The live stream of a gateway over WebSocket: it connects again by itself and goes on where it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contracts.api.base import Problem
from ..contracts.errors import RetriableError
from .errors import error_of
from .subscriptions import Feed, Refused, Subscription, Update

if TYPE_CHECKING:
    from picows.websockets import ClientConnection

Address = Callable[[], Awaitable[str]]
LinkChanged = Callable[[bool], object]
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
QUIET = 60.0
LARGEST_FRAME = 32 * 1024 * 1024
UNAUTHENTICATED, FORBIDDEN, LIMITED = 4401, 4403, 4429
_STATUS = {UNAUTHENTICATED: 401, FORBIDDEN: 403, LIMITED: 429}
_HINTS = {
    UNAUTHENTICATED: "Log in again.",
    FORBIDDEN: "Ask an admin for a role or portfolio that may see this.",
    LIMITED: "Close other screens of yours that stream, or subscribe to less.",
}


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """How long to wait between connections, in seconds: from ``first``, doubling, to ``longest``.

    A connection that is silent for ``quiet`` seconds (the server pings more often) is given up.
    """

    first: float = FIRST_PAUSE
    longest: float = LONGEST_PAUSE
    quiet: float = QUIET


async def updates(
    subscriptions: Iterable[Subscription],
    address: Address,
    pauses: Reconnecting,
    on_link: LinkChanged | None = None,
) -> AsyncIterator[Update]:
    """Snapshots and events, for ever. ``address`` gives a fresh address with a ticket for each connection.

    ``on_link`` is told when the connection comes and goes. Raises :class:`AuthenticationError`,
    :class:`PermissionDeniedError` or the error of a refused subscription, which another try would not mend.
    """
    told: LinkChanged = on_link or bool  # nobody asked to be told
    feed, pause = Feed.of(subscriptions), pauses.first
    while True:
        try:
            async with _connection(await _fresh(address)) as connection:
                told(True)
                for frame in feed.greeting():
                    await connection.send(frame)
                async for update in _received(connection, feed, pauses.quiet):
                    pause = pauses.first
                    yield update
        except _BrokenLinkError:
            pass  # the pause and the next connection are the reaction, `on_link` has shown it
        finally:
            told(False)
        await asyncio.sleep(_spread(pause))
        pause = min(2 * pause, pauses.longest)


def _spread(pause: float) -> float:
    """Half of ``pause`` to all of it: the clients of a gateway that restarts do not come back all at once."""
    import random

    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret


class _BrokenLinkError(RetriableError):
    """The connection was lost or could not be made: a passing fault, unlike a refusal of the gateway."""


async def _fresh(address: Address) -> str:
    try:
        return await address()
    except RetriableError as error:
        raise _BrokenLinkError(str(error), hint=error.hint) from error


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator["ClientConnection"]:
    from picows.websockets import connect
    from picows.websockets.exceptions import WebSocketException

    try:
        async with connect(url, max_size=LARGEST_FRAME, ping_interval=None, proxy=None) as connection:
            yield connection
    except (WebSocketException, OSError) as error:  # a TimeoutError is an OSError
        raise _BrokenLinkError(f"the live stream broke ({error})", hint="It connects again by itself.") from error


async def _received(connection: "ClientConnection", feed: Feed, quiet: float) -> AsyncIterator[Update]:
    from picows.websockets.exceptions import ConnectionClosed

    while True:
        try:
            async with asyncio.timeout(quiet):
                text = await connection.recv()
        except ConnectionClosed as closed:
            _raise_final(closed)
            raise
        update, reply = feed.take(text)
        if reply is not None:
            await connection.send(reply)
        if isinstance(update, Refused):
            raise error_of(_problem(400, update.code, update.message, "Correct the subscription."))
        if update is not None:
            yield update


def _raise_final(closed: Exception) -> None:
    """An error for a close code that another connection would get again."""
    frame = getattr(closed, "rcvd", None)
    if frame is not None and frame.code in _STATUS:
        code = frame.code
        raise error_of(_problem(_STATUS[code], f"LIVE_{code}", frame.reason, _HINTS[code])) from closed


def _problem(status: int, code: str, message: str, hint: str) -> Problem:
    return Problem(title="The live stream was refused", status=status, code=code, detail=message, hint=hint)
