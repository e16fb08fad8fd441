"""The wall clock: the one module that asks the operating system for the time."""

import asyncio
import time


class WallClock:
    """System time. See :class:`millstream.contracts.clock.Clock`."""

    def now(self) -> int:
        return time.time_ns()

    def monotonic(self) -> int:
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def block(self, seconds: float) -> None:
        """Block the calling thread, for synchronous waiting loops only."""
        time.sleep(seconds)
