"""Wires the trading service: settings → servers → bus, venue, clock."""

import asyncio
import gc
import os
import signal
import socket
from decimal import Decimal
from functools import partial

import structlog

from ..bootstrap import ensure_servers, event_bus, server_checks
from ..contracts.errors import RetriableError
from ..contracts.instrument import Instrument
from ..contracts.money import decimal
from ..ops.clock import WallClock
from ..ops.health import Checking, HealthServer
from ..ops.logging import configure_logging
from ..ops.metrics import Metrics
from ..ops.settings import Settings
from .failpoints import Failpoints
from .recovery import Surroundings, VenueFactory
from .service import TradingService
from .venues.base import Venue
from .venues.paper import PaperBook
from .venues.paper_venue import PaperVenue

FAILPOINT_VARIABLE = "MILLSTREAM_FAILPOINT"
log = structlog.get_logger(__name__)


def paper_venue(slippage_bps: Decimal) -> VenueFactory:
    """Makes the paper venue over the instruments that are known."""

    def build(instruments: dict[str, Instrument]) -> Venue:
        return PaperVenue(PaperBook(instruments, slippage_bps=slippage_bps))

    return build


def settle_memory() -> None:
    """Keep what is loaded out of the garbage collector's sight, and let it look at old objects seldom.

    Orders and their rows live long and hold no cycles; collecting among ten thousand of them costs a pause of
    milliseconds in the middle of a turn.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


async def serve(settings: Settings) -> None:
    """Run the trading service of this installation until SIGTERM or SIGINT; the batch in hand is finished first.

    Raises what :meth:`TradingService.run` raises, and what starting the embedded servers does.
    """
    configure_logging("trading", settings.log_level)
    endpoints = await asyncio.to_thread(ensure_servers, settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with event_bus(settings, endpoints) as bus:
        around = Surroundings(
            bus=bus,
            clock=WallClock(),
            venue=paper_venue(decimal(settings.paper_slippage_bps)),
            failpoints=Failpoints(os.environ.get(FAILPOINT_VARIABLE, "")),
            holder=f"{socket.gethostname()}:{os.getpid()}",
        )
        settle_memory()
        service = TradingService(endpoints.database_url, around)
        metrics = Metrics()
        metrics.add(around.tally.collect)
        checks: dict[str, Checking] = {**server_checks(endpoints, bus), "trading": partial(_recovered, service)}
        async with HealthServer("trading", settings, checks=checks, metrics=metrics):
            await service.run(stop)
    log.info("trading.stopped")


async def _recovered(service: TradingService) -> str:
    if not service.ready.is_set():
        raise RetriableError("the trading service is recovering", hint="Its log says what it waits for.")
    return "recovered and reading"
