"""What became of intents, read from the database as the events that once said so."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg.rows import dict_row

from ..contracts.events import Event, OrderUpdated, TradeRejected
from .database import Connection, Database

_REJECTED = (
    "SELECT 'trade.rejected' AS type, decision_id AS event_id, decided_wall AS occurred_at, intent_id, deployment_id,"
    " portfolio_id, instrument, code, stage, scope, observed, limit_value AS limit, message, ts"
    " FROM decisions WHERE intent_id = ANY(%s) AND NOT approved AND code <> 'STALE_RUNNER'"
)
_ORDERS = (
    "SELECT 'order.updated' AS type, order_id || '/' || version AS event_id, updated_ts AS occurred_at, order_id,"
    " intent_id, client_order_id, deployment_id, portfolio_id, instrument, side, order_type, quantity, filled, state,"
    " version, updated_ts AS ts, cancel_decided_at FROM orders WHERE intent_id = ANY(%s) AND leg = ''"
)


async def answers_to(database: Database, intents: Sequence[str]) -> list[Event]:
    """Rejections of ``intents`` and the present state of the orders they became; nothing of those not decided yet."""

    async def work(conn: Connection) -> list[Event]:
        rejected = [msgspec.convert(row, TradeRejected) for row in await _rows(conn, _REJECTED, intents)]
        orders = [msgspec.convert(row, OrderUpdated) for row in await _rows(conn, _ORDERS, intents)]
        # An intent that became an order was not rejected: what says so is a repetition's rejection.
        accepted = {order.intent_id for order in orders}
        return [*(one for one in rejected if one.intent_id not in accepted), *orders]

    return await database.run(work)


async def _rows(conn: Connection, query: Any, intents: Sequence[str]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, (list(intents),))
        return await cursor.fetchall()
