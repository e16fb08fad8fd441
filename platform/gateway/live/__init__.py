"""Live events: what happens, told to whoever follows it, over WebSocket and as server-sent events."""

import contextlib
from collections.abc import AsyncIterator

import structlog

from ...contracts.errors import ConfigurationError
from ..context import Gateway
from .admission import Admission
from .caretaking import Caretaker
from .entrance import Entrance
from .feeding import Feeder
from .hub import Hub
from .loading import DatabaseSource
from .protocol import Limits
from .sockets import Doorman, listening
from .tickets import Tickets

__all__ = ["Hub", "Limits", "serving"]

_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def serving(gateway: Gateway, limits: Limits | None = None) -> AsyncIterator[Hub]:
    """Feed a hub and serve WebSockets on ``settings.stream_port`` (:attr:`Hub.port`) for the time of the block.

    Raises :class:`RetriableError` when bus or database is away, :class:`ConfigurationError` for a taken port.
    """
    hub = Hub(gateway.clock, limits)
    admission = Admission(gateway, Tickets(gateway.redis, gateway.settings.namespace))
    doorman = Doorman(hub, gateway.clock, Entrance(gateway.settings).refusal, admission.admit)
    feeder = Feeder(hub, gateway.bus, DatabaseSource(gateway), gateway.clock)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(feeder.running())
        await stack.enter_async_context(Caretaker(hub, admission.stands, gateway.clock).running())
        bind, port = gateway.settings.bind, gateway.settings.stream_port
        try:
            hub.port = await stack.enter_async_context(listening(doorman, bind, port))
        except OSError as error:
            raise ConfigurationError(
                f"the live events cannot listen on {bind} port {port}: {error.strerror}",
                hint="Set MILLSTREAM_STREAM_PORT to a free port and MILLSTREAM_BIND to an address of this machine.",
            ) from error
        _log.info("live.ready", host=bind, port=hub.port)
        yield hub
