"""Manual orders: intents on the account of a deployment, which pass the same risk rules as the strategy's own."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.rows import dict_row

from ...bus.base import Record
from ...contracts import topics
from ...contracts.api.trading import Rejection, Ticket, TicketResult
from ...contracts.codec import encode
from ...contracts.enums import OrderState
from ...contracts.events import OrderIntent
from ...contracts.ids import MANUAL_TAG, digest, order_id, random_id, risk_key
from .. import audit
from ..auth.access import Principal
from ..context import Connection, Gateway
from ..reads import orders, rejections
from ..reads.selection import Facts, deployment
from .moments import moment
from .waiting import no_answer, publish, until

_UNDECIDED = frozenset({OrderState.INITIALIZED, OrderState.SUBMITTED, OrderState.UNKNOWN})
_REFUSED = frozenset({OrderState.DENIED, OrderState.REJECTED})


class Order(NamedTuple):
    """A ticket and the id of its intent."""

    intent: str
    ticket: Ticket


async def place(here: Gateway, principal: Principal, ticket: Ticket, *, key: str) -> TicketResult:
    """Send a manual order and wait until it was decided; ``key`` is the command's idempotency key, if it has one.

    Raises :class:`NotFoundError` for a deployment that the principal does not see, :class:`ConflictError` for a market
    that is over, a 503 without a bus, and a 504 when the trading service does not answer.
    """
    return (await place_all(here, principal, [ticket], key=key))[0]


async def place_all(
    here: Gateway, principal: Principal, tickets: Sequence[Ticket], *, key: str
) -> tuple[TicketResult, ...]:
    """As :func:`place` for several tickets at once; their answers in the same order."""
    seed = key or random_id()
    made = [Order(digest("manual", principal.user, seed, number), one) for number, one in enumerate(tickets)]
    intents = await here.database(lambda conn: _accept(conn, here, principal, made))
    await publish(here, [Record(topics.ORDERS_INTENTS.name, one.instrument, encode(one)) for one in intents])

    async def look() -> tuple[TicketResult, ...] | None:
        found = await here.database(lambda conn: [_result(conn, principal, one.intent) for one in made])
        return tuple(one for one in found if one is not None) if all(map(_settled, found)) else None

    done = await until(here, look)
    if done is not None:
        return done
    late = await here.database(lambda conn: [_result(conn, principal, one.intent) for one in made])
    known = tuple(one for one in late if one is not None)
    if len(known) < len(made):
        missing = next(one for one, found in zip(made, late, strict=True) if found is None)
        raise no_answer(f"the order (intent {missing.intent})")
    return known


def _accept(conn: Connection, here: Gateway, principal: Principal, made: Sequence[Order]) -> list[OrderIntent]:
    """The intents to publish, audited; those that were decided before (the command is sent again) are left out."""
    known = {row[0] for row in conn.execute(_KNOWN, ([one.intent for one in made],)).fetchall()}
    found = []
    for one in made:
        facts = deployment(conn, one.ticket.deployment, principal)
        if one.intent not in known:
            found.append(_intent(conn, here, facts, principal, one))
            details = {**one.ticket.model_dump(mode="json", exclude_none=True), "intent": one.intent}
            audit.record(conn, principal, "order.place", f"deployment:{facts.deployment}", details)
    return found


_KNOWN = "SELECT intent_id FROM intents WHERE intent_id = ANY(%s)"


def _intent(conn: Connection, here: Gateway, facts: Facts, principal: Principal, one: Order) -> OrderIntent:
    """The intent under the deployment's present epoch.

    It has no reference price: the same command sent again later has to make the same intent.
    """
    ticket, wall = one.ticket, here.clock.now()
    when = moment(conn, facts.session, wall=wall, ttl_seconds=here.settings.intent_ttl_seconds)
    return OrderIntent(
        event_id=digest("event", one.intent),
        occurred_at=wall,
        trace_id=one.intent,
        intent_id=one.intent,
        idempotency_key=one.intent,
        deployment_id=facts.deployment,
        epoch=facts.epoch,
        portfolio_id=facts.portfolio,
        instrument=ticket.instrument,
        risk_key=risk_key(facts.portfolio, ticket.instrument),
        decided_at=when.decided_at,
        expires_at=when.expires_at,
        session=facts.session,
        side=ticket.side,
        quantity=ticket.quantity,
        order_type=ticket.order_type,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        time_in_force=ticket.time_in_force,
        reduce_only=ticket.reduce_only,
        tag=f"{MANUAL_TAG}{principal.user}",
    )


def _settled(found: TicketResult | None) -> bool:
    """Whether there is an answer: a rejection, or an order that the venue has acknowledged."""
    return found is not None and (found.order is None or found.order.state not in _UNDECIDED)


def _result(conn: Connection, principal: Principal, intent: str) -> TicketResult | None:
    """What became of an intent so far, None before anything did."""
    row = conn.execute("SELECT 1 FROM orders WHERE order_id = %s", (order_id(intent),)).fetchone()
    order = orders.order(conn, order_id(intent), principal) if row is not None else None
    refused = order is None or order.state in _REFUSED
    rejection = _rejection(conn, intent) if refused else None
    return (
        None if order is None and rejection is None else TicketResult(intent=intent, order=order, rejection=rejection)
    )


def _rejection(conn: Connection, intent: str) -> Rejection | None:
    with conn.cursor(row_factory=dict_row) as cursor:
        text = (
            f"SELECT {rejections.LISTING.columns} FROM decisions WHERE intent_id = %s AND NOT approved"  # noqa: S608 - own text
            " ORDER BY decided_wall LIMIT 1"
        )
        row = cursor.execute(text.encode(), (intent,)).fetchone()
    return rejections.rejection(row) if row is not None else None
