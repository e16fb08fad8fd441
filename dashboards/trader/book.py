"""What the desk knows: lists of the gateway, which of them an event makes stale, and how they are read."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any

from millstream.client import AsyncClient, Subscription
from millstream.contracts.api.base import Page
from millstream.contracts.api.promotion import Deployment
from millstream.contracts.api.trading import Fill, Halt, Order, Portfolio, Position, Rejection

SHOWN = 50
MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The newest answer of each list. ``of`` narrows it to one kind of account: paper and live are never one sum."""

    deployments: tuple[Deployment, ...] = ()
    fills: tuple[Fill, ...] = ()
    halts: tuple[Halt, ...] = ()
    orders: tuple[Order, ...] = ()
    portfolios: tuple[Portfolio, ...] = ()
    positions: tuple[Position, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    working: tuple[Order, ...] = ()

    def of(self, target: str) -> "Book":
        """What belongs to accounts of ``target``; halts concern both."""
        deployments = tuple(one for one in self.deployments if one.target == target)
        names = {one.deployment for one in deployments}
        return replace(
            self,
            deployments=deployments,
            fills=tuple(one for one in self.fills if one.target == target),
            orders=tuple(one for one in self.orders if one.target == target),
            portfolios=tuple(one for one in self.portfolios if one.target == target),
            positions=tuple(one for one in self.positions if one.target == target),
            rejections=tuple(one for one in self.rejections if one.deployment in names),
            working=tuple(one for one in self.working if one.target == target),
        )


Read = Callable[[AsyncClient], Coroutine[Any, Any, Page[Any]]]
READS: dict[str, Read] = {
    "deployments": lambda client: client.list_deployments(limit=MOST),
    "fills": lambda client: client.list_fills(limit=SHOWN),
    "halts": lambda client: client.list_halts(limit=MOST),
    "orders": lambda client: client.list_orders(working=False, limit=SHOWN),
    "portfolios": lambda client: client.list_portfolios(limit=MOST),
    "positions": lambda client: client.list_positions(limit=MOST),
    "rejections": lambda client: client.list_rejections(limit=SHOWN),
    "working": lambda client: client.list_orders(working=True, limit=MOST),
}

# An event says that something changed; what it is now, the gateway answers. So a screen can never drift away from it.
STALE: dict[str, tuple[str, ...]] = {
    "fills": ("fills", "positions", "portfolios", "working", "orders"),
    "halts": ("halts", "deployments", "working"),
    "orders": ("orders", "working"),
    "portfolios": ("portfolios", "positions"),
    "rejections": ("rejections",),
    "runners": ("deployments",),
}
SUBSCRIPTIONS = tuple(Subscription(topic=topic) for topic in STALE)
EVERYTHING = frozenset(READS)


async def read(client: AsyncClient, book: Book, names: Iterable[str]) -> Book:
    """``book`` with the named lists read anew, all at once. Raises the client's errors, and then ``book`` stays."""
    wanted = sorted(names)
    pages = await asyncio.gather(*(READS[name](client) for name in wanted))
    return replace(book, **{name: page.items for name, page in zip(wanted, pages, strict=True)})
