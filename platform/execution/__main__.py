"""``python -m millstream.execution``: the trading service. Ends with 0 when stopped, else with an error's exit code."""

import asyncio
import sys

import structlog

from ..contracts.errors import MillstreamError
from ..ops.settings import load_settings
from .bootstrap import serve


def main() -> int:
    """Serve until stopped and return the exit code."""
    try:
        asyncio.run(serve(load_settings()))
    except MillstreamError as error:
        structlog.get_logger(__name__).error(
            "trading.ended", error=str(error), hint=error.hint, kind=type(error).__name__
        )
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
