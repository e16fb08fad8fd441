"""A live stream that calls back from the client's thread."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self, cast

from .subscriptions import Update

if TYPE_CHECKING:
    from .background import Running


class Watch:
    """A running subscription; ``with`` stops it at the end."""

    def __init__(self, running: "Running[None]") -> None:
        self._running = running

    @property
    def is_running(self) -> bool:
        """False once it was stopped or failed."""
        return not self._running.ended.done()

    def stop(self) -> None:
        """End it, and wait until it has ended (not in the callback itself). Raises what it had failed with."""
        self._running.cancel()
        if self._running.ended.done():
            self.wait()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it ends. Raises what it failed with, and :class:`TimeoutError` after ``seconds``."""
        try:
            self._running.ended.result(seconds)
        except CancelledError:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


async def watched(stream: AsyncIterator[Update], callback: Callable[[Update], object]) -> None:
    """Call back with each update of ``stream``."""
    async with aclosing(cast("Any", stream)) as updates:
        async for update in updates:
            callback(update)
