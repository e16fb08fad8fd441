"""``python -m millstream_dashboards.monitor``: serve the monitor until it is stopped."""

import logging
import os
import signal
import sys

from millstream.contracts.errors import MillstreamError
from millstream.ops.clock import WallClock

from .app import Monitor
from .config import Config

log = logging.getLogger("millstream.monitor")


def main() -> int:
    """Serve; 0 after SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("httpx", "tornado.access", "websockets", "bokeh.server.views.ws"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        config = Config.from_environment(os.environ)
        server = Monitor(config, WallClock()).server()
    except (MillstreamError, OSError) as error:
        log.error("%s. %s", error, getattr(error, "hint", "Is the port taken? Choose another MILLSTREAM_MONITOR_PORT."))  # noqa: TRY400 - for people
        return getattr(error, "exit_code", 1)
    server.start()
    log.info("monitor listens on %s:%s", config.bind, server.port)
    loop = server.io_loop
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    loop.start()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
