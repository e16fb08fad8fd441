"""What the commands about running trading work with: on this machine's installation, or behind a gateway.

Two implementations, the same answers: :mod:`~millstream.cli.local` and :mod:`~millstream.cli.remote`. Errors are those
of :mod:`millstream.contracts.errors` either way, so exit codes are the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from ..contracts.enums import Target

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

Progress = Callable[[str, str], None]
"""Called with the name of each step and what there is to say about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows: an empty field does not restrict."""

    deployment: str = ""
    portfolio: str = ""
    instrument: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A notebook to promote. ``assignments`` are ``NAME=VALUE`` texts; it deploys as the strategy without a ``name``.

    ``notebook`` is a file of this machine, or a path in the workspace of the gateway.
    """

    notebook: str
    capital: Decimal
    target: Target = Target.PAPER
    assignments: tuple[str, ...] = ()
    session: str = ""
    limits: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


class Looking(Protocol):
    """What there is to see. Lists of what happens are the newest first, at most ``limit``; others are whole."""

    def status(self) -> "Health":
        """Whether everything works that must."""

    def deployments(self) -> "list[Deployment]": ...

    def deployment(self, name: str) -> "Deployment": ...

    def releases(self) -> "list[Release]": ...

    def instruments(self) -> list[str]:
        """Keys of all registered instruments."""

    def orders(self, wanted: Filter, limit: int) -> "list[Order]": ...

    def fills(self, wanted: Filter, limit: int) -> "list[Fill]": ...

    def rejections(self, wanted: Filter, limit: int) -> "list[Rejection]": ...

    def positions(self, wanted: Filter) -> "list[Position]": ...

    def portfolios(self) -> "list[Portfolio]": ...

    def portfolio(self, name: str) -> "Portfolio": ...

    def halts(self) -> "list[Halt]": ...

    def latches(self, wanted: Filter) -> "list[Latch]": ...

    def limits(self, wanted: Filter) -> "list[LimitUse]": ...

    def log(self, deployment: str, *, lines: int, after: int = 0) -> "LogText":
        """The last lines of a runner's log, or what came since the place ``after``."""


class Acting(Protocol):
    """What people do. Everything is audited under their name."""

    def promote(self, wish: Wish, progress: Progress) -> "Deployment":
        """Promote a notebook and wait for its end; each step is told to ``progress``."""

    def start(self, deployment: str) -> "Deployment": ...

    def stop(self, deployment: str) -> "Deployment": ...

    def pause(self, deployment: str) -> "Deployment": ...

    def unpause(self, deployment: str) -> "Deployment": ...

    def halt(self, wanted: "HaltRequest") -> "HaltResult": ...

    def resume(self, wanted: "ResumeRequest") -> "Halt": ...

    def cancel(self, order: str) -> "Order":
        """Cancel a working order, and wait until it has ended."""

    def flatten(self, wanted: "Flatten") -> "FlattenResult": ...


class Backend(Looking, Acting, Protocol):
    """Everything that the commands about running trading need."""
