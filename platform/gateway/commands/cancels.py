"""Cancelling orders by hand.

It goes over ``control.commands``, not as an intent: a cancel that a strategy decided is one that a restarted runner
decides again, and this one it never would.
"""

from collections import defaultdict
from collections.abc import Iterable

from ...bus.base import Record
from ...contracts import topics
from ...contracts.api.trading import Order
from ...contracts.codec import encode
from ...contracts.enums import OrderState, ScopeKind
from ...contracts.errors import ConflictError
from ...contracts.events import CancelOrders
from ...contracts.ids import random_id
from .. import audit
from ..auth.access import Principal
from ..context import Gateway
from ..reads import orders
from .waiting import no_answer, publish, until


async def cancel(here: Gateway, principal: Principal, order_id: str) -> Order:
    """Cancel a working order and wait until it has ended; filled before the cancel came, it says so.

    Raises :class:`NotFoundError`, :class:`ConflictError` for an order that has ended, a 503 without a bus, and a 504
    when the order is still working after the time that is waited.
    """
    order = await here.database(lambda conn: orders.order(conn, order_id, principal))
    if _ended(order):
        raise ConflictError(
            f"the order is {order.state} already, so there is nothing to cancel",
            hint="What was filled is closed by an order of the other side.",
        )
    details = {"instrument": order.instrument, "deployment": order.deployment}
    await here.database(lambda conn: audit.record(conn, principal, "order.cancel", f"order:{order_id}", details))
    await ask(here, principal, [(order.deployment, order.order)])

    async def look() -> Order | None:
        now = await here.database(lambda conn: orders.order(conn, order_id, principal))
        return now if _ended(now) else None

    done = await until(here, look)
    if done is None:
        raise no_answer(f"the cancel of order {order_id}")
    return done


async def ask(here: Gateway, principal: Principal, wanted: Iterable[tuple[str, str]]) -> None:
    """Tell the trading service to cancel these orders: (deployment, order) each."""
    by_deployment: defaultdict[str, list[str]] = defaultdict(list)
    for deployment, order in wanted:
        by_deployment[deployment].append(order)
    now = here.clock.now()
    events = [
        CancelOrders(
            event_id=random_id(),
            occurred_at=now,
            scope=ScopeKind.DEPLOYMENT,
            scope_id=deployment,
            actor=principal.user,
            reason=f"canceled by {principal.user}",
            orders=tuple(ids),
        )
        for deployment, ids in by_deployment.items()
    ]
    if events:
        topic = topics.CONTROL_COMMANDS.name
        await publish(here, [Record(topic, f"deployment:{event.scope_id}", encode(event)) for event in events])


def _ended(order: Order) -> bool:
    return OrderState(order.state).terminal
