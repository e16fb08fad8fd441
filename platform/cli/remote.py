"""Running trading behind a gateway, over the typed client."""

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ..contracts.api.promotion import Deployment, Parameter, Promotion
from .backend import Filter, Progress, Wish
from .errors import request
from .output import errors

if TYPE_CHECKING:
    from ..client import Client
    from ..contracts.api.base import Page
    from ..contracts.api.operations import Health
    from ..contracts.api.promotion import LogText, Release
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

Item = TypeVar("Item")
LARGEST_PAGE = 1000
_KINDS: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str, "list": list}


class RemoteLooking:
    """What a person sees through a gateway: what their portfolios allow."""

    def __init__(self, client: "Client") -> None:
        self.client = client

    def status(self) -> "Health":
        return self.client.health()

    def deployments(self) -> "list[Deployment]":
        return list(self.client.iterate(self.client.list_deployments, limit=LARGEST_PAGE))

    def deployment(self, name: str) -> Deployment:
        return self.client.get_deployment(name)

    def releases(self) -> "list[Release]":
        return list(self.client.iterate(self.client.list_releases, limit=LARGEST_PAGE))

    def instruments(self) -> list[str]:
        return [one.key for one in self.client.iterate(self.client.list_instruments, limit=LARGEST_PAGE)]

    def orders(self, wanted: Filter, limit: int) -> "list[Order]":
        return self._items(self.client.list_orders, wanted, limit)

    def fills(self, wanted: Filter, limit: int) -> "list[Fill]":
        return self._items(self.client.list_fills, wanted, limit)

    def rejections(self, wanted: Filter, limit: int) -> "list[Rejection]":
        return self._items(self.client.list_rejections, wanted, limit)

    def positions(self, wanted: Filter) -> "list[Position]":
        return self._items(self.client.list_positions, wanted)

    def portfolios(self) -> "list[Portfolio]":
        return list(self.client.iterate(self.client.list_portfolios, limit=LARGEST_PAGE))

    def portfolio(self, name: str) -> "Portfolio":
        return self.client.get_portfolio(name)

    def halts(self) -> "list[Halt]":
        return list(self.client.iterate(self.client.list_halts))

    def latches(self, wanted: Filter) -> "list[Latch]":
        return self._items(self.client.list_latches, wanted)

    def limits(self, wanted: Filter) -> "list[LimitUse]":
        return self._items(self.client.list_limits, wanted)

    def log(self, deployment: str, *, lines: int, after: int = 0) -> "LogText":
        return self.client.read_log(deployment, lines=lines, after=after)

    def _items(self, read: Callable[..., "Page[Item]"], wanted: Filter, limit: int | None = None) -> list[Item]:
        found = self.client.iterate(
            read,
            deployment=wanted.deployment or (),
            portfolio=wanted.portfolio,
            instrument=wanted.instrument,
            limit=min(limit or LARGEST_PAGE, LARGEST_PAGE),
        )
        return list(islice(found, limit))


class Remote(RemoteLooking):
    """And what they do there, as far as their role allows."""

    def promote(self, wish: Wish, progress: Progress) -> Deployment:
        operation = self.client.promote(
            request(
                Promotion,
                notebook=wish.notebook,
                target=wish.target,
                parameters=self._parameters(wish),
                capital=wish.capital,
                session=wish.session or None,
                limits=dict(wish.limits),
                name=wish.name,
            )
        )

        def told(step: str) -> None:
            name, _, text = step.partition(": ")
            progress(name, text)

        try:
            done = self.client.follow(operation, told)
        except KeyboardInterrupt:
            errors.print(f"the promotion {operation.operation_id} goes on at the gateway: `millstream deployments`")
            raise
        return Deployment.model_validate(done.result)

    def start(self, deployment: str) -> Deployment:
        return self.client.start_deployment(deployment)

    def stop(self, deployment: str) -> Deployment:
        return self.client.stop_deployment(deployment)

    def pause(self, deployment: str) -> Deployment:
        return self.client.pause_deployment(deployment)

    def unpause(self, deployment: str) -> Deployment:
        return self.client.unpause_deployment(deployment)

    def halt(self, wanted: "HaltRequest") -> "HaltResult":
        return self.client.halt(wanted)

    def resume(self, wanted: "ResumeRequest") -> "Halt":
        return self.client.resume(wanted)

    def cancel(self, order: str) -> "Order":
        return self.client.cancel_order(order)

    def flatten(self, wanted: "Flatten") -> "FlattenResult":
        return self.client.flatten(wanted)

    def _parameters(self, wish: Wish) -> dict[str, Any]:
        """The texts of a command line as the notebook's parameters; without any, the gateway need not be asked."""
        from ..promotion.parameters import parse_assignments

        if not wish.assignments:
            return {}
        found = self.client.inspect_notebook(wish.notebook)
        return parse_assignments([_declared(one) for one in found.parameters], wish.assignments)


def _declared(one: Parameter) -> Any:
    from ..promotion.parameters import Declared

    return Declared(
        name=one.name,
        default=one.default,
        kind=_KINDS.get(one.kind),
        element=_KINDS.get(one.element),
        optional=one.optional,
    )
