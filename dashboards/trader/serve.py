"""Where the trader app listens, from the environment, and its start."""

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from millstream.contracts.errors import ConfigurationError, MillstreamError
from millstream.ops.lean_imports import without_iri_grammar

POOL = 2
LARGEST_PORT = 65535
log = logging.getLogger("millstream.trader")


@dataclass(frozen=True, slots=True)
class Config:
    """``port`` 0 takes a free one."""

    bind: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Config":
        """Read ``MILLSTREAM_BIND`` and ``MILLSTREAM_TRADER_PORT``. Raises :class:`ConfigurationError`."""
        if not environment.get("MILLSTREAM_URL"):
            raise ConfigurationError(
                "The trader app does not know where the gateway is",
                hint="Set MILLSTREAM_URL to the gateway's address; `millstream up` does it for you.",
            )
        port = environment.get("MILLSTREAM_TRADER_PORT", "") or "0"
        if not port.isdecimal() or int(port) > LARGEST_PORT:
            raise ConfigurationError(
                f"MILLSTREAM_TRADER_PORT={port} is not a port",
                hint="Use a number from 0 to 65535; 0 takes a free port.",
            )
        return cls(environment.get("MILLSTREAM_BIND", "") or "127.0.0.1", int(port))


def main() -> int:
    """Serve; 0 after SIGTERM or SIGINT, else the code of the error that is logged."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        config = Config.from_environment(os.environ)
        _serve(config)
    except MillstreamError as error:
        log.error("%s. %s", error, error.hint)  # noqa: TRY400 - for people
        return error.exit_code
    return 0


def _serve(config: Config) -> None:
    without_iri_grammar()
    from traitlets.config import Config as Options

    from .app import TraderApp, options

    port = config.port or _free_port(config.bind)
    app = TraderApp(config=Options(options(bind=config.bind, port=port, pool=POOL)))
    app.initialize([])
    log.info("trader app on %s:%s", config.bind, port)
    app.start()


def _free_port(bind: str) -> int:
    with socket.socket() as probe:
        probe.bind((bind, 0))
        port: int = probe.getsockname()[1]
        return port
