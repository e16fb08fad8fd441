"""An event loop in a thread of its own, for blocking callers."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Closing = Callable[[], Coroutine[Any, Any, None]]


class Running(Generic[T]):
    """A coroutine on ``loop``, seen from other threads. ``ended`` has its outcome once it has really ended.

    (A future of ``run_coroutine_threadsafe`` is over with the wish to cancel it: whoever then stops the loop cancels
    the coroutine again while it cleans up, and a WebSocket that waits for the other side's goodbye stays open.)
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> None:
        self.ended: Future[T] = Future()
        self._loop = loop
        self._task: asyncio.Task[T] | None = None
        loop.call_soon_threadsafe(self._start, coroutine)

    def cancel(self) -> None:
        """End it, and wait until it has ended; on its own loop only the former. Nothing where it has ended."""
        if self.ended.done():
            return
        if _runs_here(self._loop):
            self._cancel()
            return
        self._loop.call_soon_threadsafe(self._cancel)
        wait([self.ended])

    def _start(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = self._loop.create_task(coroutine)
        self._task.add_done_callback(self._tell)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _tell(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.ended.cancel()
            self.ended.set_running_or_notify_cancel()
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())


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
        running = self.submit(coroutine)
        try:
            return running.ended.result()
        except BaseException:
            running.cancel()
            raise

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Running[T]":
        """Start it there."""
        return Running(self._started(), coroutine)

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


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


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
