"""``AsyncClient``: the operations of the gateway as coroutines, lists as iterators, live events as a stream."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, overload

from ..contracts.api.base import Operation, Page
from ..contracts.api.live import Live
from . import environment, following, live
from .calls import API, Call
from .exchange import TIMEOUT, WAITS, Exchange
from .operations import Operations
from .subscriptions import Subscription, Update

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class AsyncClient(Operations):
    """A client of one gateway in the name of one person, for one event loop; ``async with`` closes it.

    ``token`` is a bearer token (an access token, a delegated one or an API key). With a ``refresh_token``, or after
    ``login``, an expired token is replaced by itself. ``timeout`` is in seconds per attempt; ``waits`` are the seconds
    before each further attempt of a request that met a passing fault.

    Methods raise :class:`ApiError` (its kinds say which reaction is due) and :class:`GatewayUnreachableError`.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        refresh_token: str | None = None,
        timeout: float = TIMEOUT,
        waits: tuple[float, ...] = WAITS,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self._exchange = Exchange(
            url, token, refresh_token=refresh_token, timeout=timeout, waits=waits, transport=transport
        )

    @classmethod
    def from_environment(cls) -> Self:
        """The gateway of ``MILLSTREAM_URL`` as the person of ``MILLSTREAM_TOKEN``."""
        return cls(*environment.gateway())

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._exchange.url

    @property
    def token(self) -> str | None:
        """The bearer token in use."""
        return self._exchange.token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()

    async def call(self, call: Call[T], *, key: str = "", match: str = "") -> T:
        """Send one request, as every method does; ``key`` is the idempotency key of a command (else a new one).

        ``match`` is the ``ETag`` of what the command changes, from :meth:`tagged`: it raises :class:`ApiConflictError`
        (``412``) when that was changed since.
        """
        return await self._exchange.call(call, key, match)

    async def tagged(self, call: Call[T]) -> tuple[T, str]:
        """The answer of one read and its ``ETag``, empty where it has none."""
        return await self._exchange.tagged(call)

    @overload
    def iterate(
        self, what: Callable[P, Coroutine[Any, Any, Page[Item]]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[Item]: ...
    @overload
    def iterate(self, what: str, *args: Any, **kwargs: Any) -> AsyncIterator[Any]: ...
    def iterate(self, what: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Every item of a list, page after page: ``client.iterate(client.list_orders, deployment="sma_cross")``.

        Takes a list operation of this client, or its name.
        """
        return following.every(getattr(self, what) if isinstance(what, str) else what, *args, **kwargs)

    async def follow(self, operation: Operation, progress: following.Progress | None = None) -> Operation:
        """Wait until a command that takes time is done; each new step is told to ``progress``.

        Raises the :class:`ApiError` of its problem when it failed. Cancelling this leaves the command running.
        """
        return await following.followed(operation, self.get_operation, progress)

    def live(
        self,
        subscriptions: Iterable[Subscription],
        *,
        on_link: live.LinkChanged | None = None,
        reconnecting: live.Reconnecting | None = None,
    ) -> AsyncIterator[Update]:
        """Snapshots, then events, of what is subscribed; a lost connection is made again and missed events follow.

        ``on_link`` is called with True and False as the connection comes and goes. Raises :class:`ApiError` when the
        gateway refuses.
        """
        return live.updates(subscriptions, self._live_address, reconnecting or live.Reconnecting(), on_link)

    async def _live_address(self) -> str:
        found: Live = await self.call(Call("live", "GET", f"{API}/live", Live))
        return f"{found.url}{'&' if '?' in found.url else '?'}ticket={found.ticket}"
