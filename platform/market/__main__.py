"""``python -m millstream.market FEED…``: run the named feeds (``simulated:seed=7``) and ingestion until SIGTERM."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence

import structlog

from ..bootstrap import ensure_servers, event_bus, server_checks
from ..contracts.errors import MillstreamError
from ..ops.clock import WallClock
from ..ops.health import HealthServer
from ..ops.logging import configure_logging
from ..ops.metrics import Metrics
from ..ops.settings import Settings, load_settings
from .service import MarketService, parse_feed


async def serve(settings: Settings, feeds: Sequence[str]) -> None:
    """Run the service until SIGTERM or SIGINT."""
    clock = WallClock()
    endpoints = await asyncio.to_thread(ensure_servers, settings)
    async with event_bus(settings, endpoints) as bus:
        parsed = [await asyncio.to_thread(parse_feed, text, endpoints.database_url, clock) for text in feeds]
        service = MarketService(endpoints.database_url, bus, clock, parsed)
        metrics = Metrics()
        metrics.add(service.tally.collect)
        async with HealthServer("market", settings, checks=server_checks(endpoints, bus), metrics=metrics):
            work = asyncio.create_task(service.run())
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, work.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await work


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 after a signal, else that of the error."""
    try:
        settings = load_settings()
        configure_logging("market", settings.log_level)
        asyncio.run(serve(settings, arguments))
    except (MillstreamError, BaseExceptionGroup) as failure:
        error = _first(failure)
        if not isinstance(error, MillstreamError):
            raise
        structlog.get_logger(__name__).error("market service failed", error=str(error), hint=error.hint)
        return error.exit_code
    return 0


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
