"""Orders."""

from collections.abc import Sequence
from typing import Any

from ...contracts.api.trading import Order
from ...contracts.errors import NotFoundError
from ...contracts.time import to_datetime
from ..auth.access import Principal
from ..context import Connection
from .listing import Condition, Listing, Row, read
from .selection import Chosen, Wanted, choose, deployment
from .tags import tags_of

ENDED = "('denied','filled','canceled','rejected','expired')"
LISTING = Listing(
    columns="order_id, intent_id, leg, deployment_id, portfolio_id, instrument, session, side, order_type, quantity,"
    " filled, average_price, limit_price, stop_price, state, reason, decided_at, created_ts, updated_ts, intent_wall,"
    " acked_wall",
    table="orders",
    owner="deployment_id",
    keys=("created_ts", "order_id"),
)


def orders(
    conn: Connection,
    wanted: Wanted,
    principal: Principal,
    *,
    state: str = "",
    working: bool | None = None,
    after: tuple[int, str] | None = None,
    limit: int,
) -> list[tuple[tuple[int, str], Order]]:
    """Orders with their keys (protective legs included), the newest first; ``working``: only those, or only the ended.

    One row more than a page wants tells whether there is another page.
    """
    more: list[Condition] = [("state = %s", (state,))] if state else []
    if working is not None:
        more.append((f"state {'NOT ' if working else ''}IN {ENDED}", ()))
    chosen = choose(conn, wanted, principal)
    rows = read(conn, LISTING, chosen, wanted, after=after, limit=limit, more=more)
    return [
        ((row["created_ts"], row["order_id"]), made)
        for row, made in zip(rows, _orders(conn, rows, chosen), strict=True)
    ]


def order(conn: Connection, order_id: str, principal: Principal) -> Order:
    """One order. Raises :class:`NotFoundError`, also for one of a portfolio that the principal does not see."""
    from psycopg.rows import dict_row

    with conn.cursor(row_factory=dict_row) as cursor:
        text = f"SELECT {LISTING.columns} FROM orders WHERE order_id = %s"  # noqa: S608 - own text
        row = cursor.execute(text.encode(), (order_id,)).fetchone()
    if row is None or not principal.sees(row["portfolio_id"]):
        raise NotFoundError(f"there is no order {order_id!r}", hint="GET /api/v1/orders lists them.")
    facts = deployment(conn, row["deployment_id"], principal)
    return _orders(conn, [row], Chosen(facts={facts.deployment: facts}, everything=False))[0]


def _orders(conn: Connection, rows: Sequence[Row], chosen: Chosen) -> list[Order]:
    tags = tags_of(conn, [row["intent_id"] for row in rows if not row["leg"]])
    return [_order(row, chosen, tags) for row in rows]


def _order(row: Row, chosen: Chosen, tags: dict[str, str]) -> Order:
    acknowledged = row["acked_wall"] > 0 and not row["leg"]
    shared: dict[str, Any] = {name: row[name] for name in _SAME}
    return Order(
        **shared,
        order=row["order_id"],
        intent=row["intent_id"],
        deployment=row["deployment_id"],
        portfolio=row["portfolio_id"],
        target=chosen.target_of(row["deployment_id"]),
        decided_at=to_datetime(row["decided_at"]),
        updated_at=to_datetime(row["updated_ts"]),
        ack_ms=(row["acked_wall"] - row["intent_wall"]) / 1e6 if acknowledged else None,
        tag="" if row["leg"] else tags.get(row["intent_id"], ""),
    )


_SAME = (
    "leg",
    "instrument",
    "session",
    "side",
    "order_type",
    "quantity",
    "filled",
    "average_price",
    "limit_price",
    "stop_price",
    "state",
    "reason",
)
