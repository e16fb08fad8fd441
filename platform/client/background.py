"""An event loop in a thread of its own, for blocking callers."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
Closing = Callable[[], Coroutine[Any, Any, None]]


class BackgroundLoop:
    """A loop that starts with the first coroutine and ends with :meth:`close` or with its owner.

    ``closing`` is run there last. The thread is a daemon's: it never keeps a program from ending.
    """

    def __init__(self, closing: Closing) -> None:
        self._closing = closing
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it there and wait. An interrupt cancels it, waits until it has ended, and goes on up."""
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start it there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._started())

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        if self._finalizer is not None:
            self._finalizer()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._finalizer is None or not self._finalizer.alive:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=_serve, args=(loop, self._closing), name="millstream-client", daemon=True
                )
                thread.start()
                self._finalizer = weakref.finalize(self, _end, loop, thread)
                self._loop = loop
        assert self._loop is not None  # noqa: S101 - set with the finalizer
        return self._loop


def _serve(loop: asyncio.AbstractEventLoop, closing: Closing) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(closing())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join(timeout=5)
