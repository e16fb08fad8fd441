"""``python -m millstream.runner``: the supervisor, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import structlog

from ..bootstrap import Endpoints, ensure_servers
from ..contracts.errors import MillstreamError
from ..ops.clock import WallClock
from ..ops.logging import configure_logging
from ..ops.settings import Settings, load_settings
from .bootstrap import supervising

_log = structlog.get_logger()


async def _serve(settings: Settings, endpoints: Endpoints) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with supervising(settings, endpoints, WallClock(), told=True) as working:
        waiting = asyncio.create_task(stopped.wait())
        done, _ = await asyncio.wait([waiting, working], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if working in done:
            working.result()


def main() -> int:
    """Exit code 0 after a signal; an error's own code when the supervisor cannot work."""
    settings = load_settings()
    configure_logging("supervisor", settings.log_level)
    try:
        asyncio.run(_serve(settings, ensure_servers(settings)))
    except MillstreamError as error:
        _log.error("the supervisor cannot work", error=str(error), hint=error.hint)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
