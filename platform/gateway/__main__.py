"""``python -m millstream.gateway``: the gateway. Ends with 0 when stopped, else with an error's exit code."""

import asyncio
import sys

import structlog
import uvloop

from ..contracts.errors import MillstreamError
from ..ops.logging import configure_logging
from ..ops.settings import load_settings
from .bootstrap import serve


def main() -> int:
    """Serve until stopped and return the exit code."""
    try:
        settings = load_settings()
        configure_logging("gateway", settings.log_level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except MillstreamError as error:
        structlog.get_logger(__name__).error("gateway.ended", error=str(error), hint=error.hint)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
