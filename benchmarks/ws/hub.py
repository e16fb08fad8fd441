"""The gateway's own hub, as :func:`millstream.gateway.live.serving` wires it, without bus, database and login.

Every connection has a principal of its own and is looked after; an event goes the way of a record of the bus: it is
decoded, numbered, kept for snapshots and resumption, and sent to whom it concerns. ``python -m benchmarks.ws.hub``.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
import uvloop

from millstream.bus.memory import MemoryBus
from millstream.contracts.api.identity import Permission, Role
from millstream.contracts.events import Event
from millstream.gateway.auth.access import Principal
from millstream.gateway.live.admission import Knock
from millstream.gateway.live.caretaking import Caretaker
from millstream.gateway.live.directory import Place
from millstream.gateway.live.feeding import Feeder
from millstream.gateway.live.hub import Hub
from millstream.gateway.live.loading import Drift
from millstream.gateway.live.protocol import Limits
from millstream.gateway.live.sockets import Doorman, listening
from millstream.ops.clock import WallClock

from .control import Command, memory, obey, raise_open_files, say
from .payload import PORTFOLIO, delivery

clock = WallClock()


async def _admit(knock: Knock) -> Principal:
    """A principal as it comes out of a ticket."""
    principal = Principal(
        user=knock.ticket,
        role=Role.VIEWER,
        permissions=frozenset({Permission.SELF, Permission.READ}),
        session=knock.ticket,
        address=knock.peer,
    )
    return msgspec.msgpack.decode(msgspec.msgpack.encode(principal), type=Principal)


async def _stands(principal: Principal) -> bool:
    return bool(principal.session)


class _Still:
    """A database in which nothing changes."""

    async def everything(self) -> tuple[dict[str, Place], list[Event]]:
        return {"bench": Place(PORTFOLIO, "")}, []

    async def drift(self, known: Sequence[str]) -> Drift:  # noqa: ARG002 - the protocol's
        return Drift(await self.places(), [], [], [])

    async def places(self) -> dict[str, Place]:
        return {"bench": Place(PORTFOLIO, "")}


async def main() -> None:
    """Serve and obey."""
    hub = Hub(clock, Limits())
    hub.directory.replace({"bench": Place(PORTFOLIO, "")})
    hub.open()
    feeder = Feeder(hub, MemoryBus("", clock=clock), _Still(), clock)
    doorman = Doorman(hub, clock, lambda _origin, _host: "", _admit)

    async def send(command: Command) -> dict[str, object]:
        record = delivery(command["round"])
        at = clock.monotonic()
        await feeder.ingest([record])
        return {"at": at, "sent": clock.monotonic()}

    async def measure(_: Command) -> dict[str, object]:
        return {"bytes": memory(), "connections": len(hub.clients)}

    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(Caretaker(hub, _stands, clock).running())
        say(port=await stack.enter_async_context(listening(doorman, "127.0.0.1", 0)))
        await obey({"send": send, "memory": measure})


if __name__ == "__main__":
    raise_open_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
