"""``Client``: the same operations for blocking code, over an asynchronous client in a background thread."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, overload

from ..contracts.api.base import Operation, Page
from . import environment
from .background import BackgroundLoop
from .calls import Call
from .client import AsyncClient
from .exchange import TIMEOUT, WAITS
from .following import Progress
from .live import LinkChanged
from .operations import Operations
from .subscriptions import Subscription, Update
from .watching import Watch, watched

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Client(Operations):
    """As :class:`AsyncClient`, for code that waits; safe to use from several threads and inside a running loop.

    ``with`` closes it; without, it closes when nothing refers to it any more.
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
        self.asynchronous = AsyncClient(
            url, token, refresh_token=refresh_token, timeout=timeout, waits=waits, transport=transport
        )
        self._background = BackgroundLoop(self.asynchronous.close)

    @classmethod
    def from_environment(cls) -> Self:
        """The gateway of ``MILLSTREAM_URL`` as the person of ``MILLSTREAM_TOKEN``."""
        return cls(*environment.gateway())

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self.asynchronous.url

    @property
    def token(self) -> str | None:
        """The bearer token in use."""
        return self.asynchronous.token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and end every watch."""
        self._background.close()

    def call_blocking(self, call: Call[T], *, key: str = "") -> T:
        """Send one request, as every method does; ``key`` is the idempotency key of a command (else a new one)."""
        return self._background.run(self.asynchronous.call(call, key=key))

    @overload
    def iterate(self, what: Callable[P, Page[Item]], *args: P.args, **kwargs: P.kwargs) -> Iterator[Item]: ...
    @overload
    def iterate(self, what: str, *args: Any, **kwargs: Any) -> Iterator[Any]: ...
    def iterate(self, what: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Every item of a list, page after page: ``client.iterate(client.list_orders, deployment="sma_cross")``.

        Takes a list operation of this client, or its name.
        """
        read = getattr(self, what) if isinstance(what, str) else what
        page = read(*args, **kwargs)
        yield from page.items
        while page.next:
            page = read(*args, **{**kwargs, "cursor": page.next})
            yield from page.items

    def follow(self, operation: Operation, progress: Progress | None = None) -> Operation:
        """Wait until a command that takes time is done; each new step is told to ``progress``, in this thread.

        Raises the :class:`ApiError` of its problem when it failed. An interrupt leaves the command running.
        """
        steps: SimpleQueue[str | None] = SimpleQueue()
        running = self._background.submit(self.asynchronous.follow(operation, steps.put))
        running.ended.add_done_callback(lambda _: steps.put(None))
        try:
            while (step := steps.get()) is not None:
                if progress is not None:
                    progress(step)
            return running.ended.result()
        except BaseException:
            running.cancel()
            raise

    def live(self, subscriptions: Iterable[Subscription], *, on_link: LinkChanged | None = None) -> Iterator[Update]:
        """Snapshots, then events, of what is subscribed: waits for each. Closing the iterator ends the stream."""
        stream = self.asynchronous.live(subscriptions, on_link=on_link)
        try:
            while True:
                yield self._background.run(_next(stream))
        finally:
            self._background.run(_closed(stream))

    def watch(
        self,
        callback: Callable[[Update], object],
        subscriptions: Iterable[Subscription],
        *,
        on_link: LinkChanged | None = None,
    ) -> Watch:
        """Call ``callback`` with each update, in the client's thread, until the watch is stopped.

        An error of the stream or of the callback ends the watch; :meth:`Watch.wait` and :meth:`Watch.stop` raise it.
        """
        stream = self.asynchronous.live(subscriptions, on_link=on_link)
        return Watch(self._background.submit(watched(stream, callback)))


def _next(stream: AsyncIterator[Update]) -> Coroutine[Any, Any, Update]:
    async def taken() -> Update:
        return await anext(stream)

    return taken()


async def _closed(stream: Any) -> None:
    await stream.aclose()
