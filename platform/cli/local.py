"""Running trading on this machine's installation: what the gateway reads and does, called in this process.

The gateway need not run, and nobody logs in: who may use this machine's installation is its operator, and is audited
under the name of the operating system's user.
"""

import getpass
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import psycopg

from ..bootstrap import Endpoints, ensure_database, ensure_servers
from ..contracts.api.identity import Permission, Role
from ..gateway.auth.access import Principal
from ..gateway.context import Connection, Gateway
from ..gateway.problems import ProblemError
from ..gateway.reads import (
    fills,
    halts,
    latches,
    limits,
    logs,
    orders,
    portfolios,
    positions,
    promotion,
    rejections,
)
from ..gateway.reads.selection import Wanted
from ..market import instruments
from ..ops.clock import WallClock
from ..store.database import connect_sync
from .backend import Filter, Progress, Wish
from .errors import run_async
from .output import errors

if TYPE_CHECKING:
    from ..contracts.api.operations import Health
    from ..contracts.api.promotion import Deployment, LogText, Release
    from ..contracts.api.trading import (
        Fill,
        Flatten,
        FlattenResult,
        Halt,
        HaltRequest,
        HaltResult,
        Latch,
        LimitUse,
        Order,
        Portfolio,
        Position,
        Rejection,
        ResumeRequest,
    )
    from ..ops.settings import Settings

T = TypeVar("T")
EVERYTHING = 2**31


def operator() -> Principal:
    """Who uses this machine's installation: may do everything."""
    return Principal(user=getpass.getuser(), role=Role.ADMIN, permissions=frozenset(Permission))


class LocalLooking:
    """What the database of this installation tells; it is started when it does not run."""

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self.operator = operator()

    def deployments(self) -> "list[Deployment]":
        wall = WallClock().now()
        return self._read(
            lambda conn: list(
                promotion.list_deployments(
                    conn, promotion.Wanted(), self.operator, wall=wall, limit=EVERYTHING, cursor=""
                ).items
            )
        )

    def deployment(self, name: str) -> "Deployment":
        wall = WallClock().now()
        return self._read(lambda conn: promotion.get_deployment(conn, name, self.operator, wall=wall))

    def releases(self) -> "list[Release]":
        return self._read(
            lambda conn: list(promotion.list_releases(conn, name="", strategy="", limit=EVERYTHING, cursor="").items)
        )

    def instruments(self) -> list[str]:
        return self._read(instruments.keys)

    def orders(self, wanted: Filter, limit: int) -> "list[Order]":
        found = self._read(lambda conn: orders.orders(conn, _wanted(wanted), self.operator, limit=limit))
        return [one for _, one in found]

    def fills(self, wanted: Filter, limit: int) -> "list[Fill]":
        found = self._read(lambda conn: fills.fills(conn, _wanted(wanted), self.operator, limit=limit))
        return [one for _, one in found]

    def rejections(self, wanted: Filter, limit: int) -> "list[Rejection]":
        found = self._read(lambda conn: rejections.rejections(conn, _wanted(wanted), self.operator, limit=limit))
        return [one for _, one in found]

    def positions(self, wanted: Filter) -> "list[Position]":
        wall = WallClock().now()
        found = self._read(
            lambda conn: positions.positions(conn, _wanted(wanted), self.operator, wall=wall, limit=EVERYTHING)
        )
        return [one for _, one in found]

    def portfolios(self) -> "list[Portfolio]":
        wall = WallClock().now()
        found = self._read(
            lambda conn: portfolios.portfolios(conn, Wanted(), self.operator, wall=wall, limit=EVERYTHING)
        )
        return [one for _, one in found]

    def portfolio(self, name: str) -> "Portfolio":
        wall = WallClock().now()
        return self._read(lambda conn: portfolios.portfolio(conn, name, self.operator, wall=wall))

    def halts(self) -> "list[Halt]":
        return self._read(lambda conn: halts.halts(conn, self.operator))

    def latches(self, wanted: Filter) -> "list[Latch]":
        wall = WallClock().now()
        return self._read(lambda conn: latches.latches(conn, _wanted(wanted), self.operator, wall=wall))

    def limits(self, wanted: Filter) -> "list[LimitUse]":
        wall = WallClock().now()
        found = self._read(
            lambda conn: limits.limits(conn, _wanted(wanted), self.operator, wall=wall, limit=EVERYTHING)
        )
        return [use for _, uses in found for use in uses]

    def log(self, deployment: str, *, lines: int, after: int = 0) -> "LogText":
        file = self._read(lambda conn: logs.file_of(conn, deployment, self.operator))
        return logs.part_of(file, lines=lines, after=after)

    @cached_property
    def database_url(self) -> str:
        """Address of the database, which runs from now on."""
        return ensure_database(self.settings)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with connect_sync(self.database_url, application_name="millstream-cli") as conn:
            # One state for all statements of a read, which may end its transaction itself.
            conn.isolation_level, conn.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
            return work(conn)


class Local(LocalLooking):
    """And what is done there."""

    def status(self) -> "Health":
        from ..gateway.telemetry import everything
        from ..ops.health import examine

        return self._act(lambda gateway: examine(everything(gateway), gateway.clock))

    def promote(self, wish: Wish, progress: Progress) -> "Deployment":
        from .local_promotion import promote

        return self.deployment(run_async(promote(self.settings, wish, self.operator.user, progress)))

    def start(self, deployment: str) -> "Deployment":
        from ..gateway.commands.promotion import start

        return self._act(lambda gateway: start(gateway, self.operator, deployment))

    def stop(self, deployment: str) -> "Deployment":
        from ..gateway.commands.promotion import stop

        return self._act(lambda gateway: stop(gateway, self.operator, deployment))

    def pause(self, deployment: str) -> "Deployment":
        from ..gateway.commands.promotion import pause

        return self._switch(lambda gateway: pause(gateway, self.operator, deployment))

    def unpause(self, deployment: str) -> "Deployment":
        from ..gateway.commands.promotion import unpause

        return self._switch(lambda gateway: unpause(gateway, self.operator, deployment))

    def halt(self, wanted: "HaltRequest") -> "HaltResult":
        from ..gateway.commands.halts import halt

        return self._switch(lambda gateway: halt(gateway, self.operator, wanted))

    def resume(self, wanted: "ResumeRequest") -> "Halt":
        from ..gateway.commands.halts import resume

        return self._switch(lambda gateway: resume(gateway, self.operator, wanted))

    def cancel(self, order: str) -> "Order":
        from ..gateway.commands.cancels import cancel

        return self._act(lambda gateway: cancel(gateway, self.operator, order))

    def flatten(self, wanted: "Flatten") -> "FlattenResult":
        from ..gateway.commands.flatten import flatten

        return self._act(lambda gateway: flatten(gateway, self.operator, wanted, key=""))

    def _act(self, work: Callable[[Gateway], Awaitable[T]]) -> T:
        """A command that needs every server."""
        return run_async(self._within(ensure_servers(self.settings), work))

    def _switch(self, work: Callable[[Gateway], Awaitable[T]]) -> T:
        """The kill switch: it needs the database alone; the bus only makes the trading service look at once."""
        endpoints = Endpoints(self.database_url, "", self.settings.bus, "")
        return run_async(self._within(endpoints, work))

    async def _within(self, endpoints: Endpoints, work: Callable[[Gateway], Awaitable[T]]) -> T:
        from .in_process import LateBus, gateway_in_process

        async with gateway_in_process(self.settings, endpoints) as gateway:
            try:
                done = await work(gateway)
            except ProblemError as error:
                from ..client.errors import error_of

                raise error_of(error.problem()) from error
            if isinstance(gateway.bus, LateBus) and gateway.bus.silent:
                errors.print("[yellow]the bus does not answer[/yellow]; the trading service reads the database anyway")
            return done


def _wanted(wanted: Filter) -> Wanted:
    return Wanted(
        deployments=(wanted.deployment,) if wanted.deployment else (),
        portfolio=wanted.portfolio,
        instrument=wanted.instrument,
    )
