"""What the database knows of a deployment's account: the state from which a runner follows the bus."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.rows import dict_row

from ..contracts.clock import Clock
from ..contracts.enums import OrderType, Side
from ..contracts.errors import NotFoundError
from ..contracts.events import OrderFilled, OrderIntent
from ..contracts.ids import MANUAL_TAG
from ..contracts.instrument import Instrument
from ..contracts.money import ZERO
from ..sdk.orders import WorkingOrder
from ..sdk.portfolio import PortfolioView
from ..store.states import ENDED_ORDERS
from .database import Connection, Database
from .lease import Checkpoint

_FILLS = (
    "SELECT trade_id, venue, account, order_id, intent_id, deployment_id, portfolio_id, instrument, side, quantity,"
    " price, fee, fee_currency, liquidity, ts, realized_pnl, portfolio_version, leg, late, session"
    " FROM fills WHERE portfolio_id = %s ORDER BY portfolio_version, ts"
)
_ORDERS = (
    "SELECT o.intent_id, o.instrument, o.side, o.quantity, o.filled, o.order_type, o.limit_price,"  # noqa: S608 - constant
    " o.stop_price, o.decided_at, i.payload, o.cancel_decided_at <= %(checkpoint)s"
    f" AND o.state IN {ENDED_ORDERS} AS ended"
    " FROM orders o JOIN intents i USING (intent_id) WHERE o.deployment_id = %(deployment)s AND o.leg = ''"
    f" AND (o.state NOT IN {ENDED_ORDERS} OR o.intent_id = ANY(%(news)s)"
    " OR o.cancel_decided_at > %(checkpoint)s) ORDER BY o.decided_at, o.created_ts, o.order_id"
)
# A strategy knows of its own cancel from the next slice on, of everything else in the slice that brought it about.
_ENDED = (
    "SELECT intent_id, ts FROM decisions"
    " WHERE deployment_id = %(deployment)s AND NOT approved AND code <> 'STALE_RUNNER'"
    " UNION ALL SELECT intent_id, updated_ts + (cancel_decided_at <> 0)::int FROM orders"
    " WHERE deployment_id = %(deployment)s AND leg = '' AND state IN ('denied', 'canceled', 'rejected', 'expired')"
)
# A request to cancel that was granted has a decision and no order of its own.
_UNDECIDED = (
    "SELECT count(*) FROM unnest(%s::text[]) AS made(id) WHERE NOT EXISTS (SELECT 1 FROM decisions d"
    " WHERE d.intent_id = made.id AND d.code <> 'STALE_RUNNER') AND NOT EXISTS (SELECT 1 FROM intents i"
    " WHERE i.intent_id = made.id) OR EXISTS (SELECT 1 FROM orders o WHERE o.intent_id = made.id AND o.leg = ''"
    " AND o.state IN ('initialized', 'submitted', 'unknown'))"
)
_RETRY_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """``view`` as of now; ``initial`` as it was before all fills. ``fills`` up to the checkpoint, ``news`` after it.

    ``orders`` have not ended, or ended by ``news`` or by a cancel that the strategy decided after the checkpoint; their
    filled quantities are those of the checkpoint. ``ended`` are the market times (UTC ns) from which on the strategy
    knew that intents were rejected, or their orders ended unfilled, by intent id.
    """

    view: PortfolioView
    initial: PortfolioView
    orders: tuple[WorkingOrder, ...]
    fills: tuple[OrderFilled, ...]
    news: tuple[OrderFilled, ...]
    ended: dict[str, int]


async def instruments_of(database: Database, keys: Sequence[str]) -> tuple[Instrument, ...]:
    """The instruments registered under ``keys``, in that order. Raises :class:`NotFoundError`."""
    columns = ", ".join(
        msgspec.structs.fields(Instrument)[i].name for i in range(len(msgspec.structs.fields(Instrument)))
    )

    async def work(conn: Connection) -> list[dict[str, Any]]:
        async with conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(f"SELECT {columns} FROM instruments WHERE key = ANY(%s)", (list(keys),))  # noqa: S608
            return await cursor.fetchall()

    known = {instrument.key: instrument for instrument in (Instrument(**row) for row in await database.run(work))}
    missing = [key for key in keys if key not in known]
    if missing:
        raise NotFoundError(f"{missing[0]} is not a registered instrument", hint="`millstream data list` shows them.")
    return tuple(known[key] for key in keys)


async def read_account(
    database: Database, portfolio_id: str, deployment_id: str, checkpoint: Checkpoint
) -> AccountSnapshot:
    """The account in one consistent read."""

    async def work(conn: Connection) -> AccountSnapshot:
        async with conn.transaction():
            await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return await _read(conn, portfolio_id, deployment_id, checkpoint)

    return await database.run(work)


async def _read(conn: Connection, portfolio_id: str, deployment_id: str, checkpoint: Checkpoint) -> AccountSnapshot:
    row = await (
        await conn.execute(
            "SELECT currency, initial_cash, version FROM portfolios WHERE portfolio_id = %s", (portfolio_id,)
        )
    ).fetchone()
    if row is None:
        raise NotFoundError(f"there is no portfolio {portfolio_id!r}", hint="`millstream portfolio` lists them.")
    currency, initial_cash, now = row
    fills = [OrderFilled(**_typed(found)) for found in await _dicts(conn, _FILLS, (portfolio_id,))]
    news = tuple(fill for fill in fills if fill.portfolio_version > checkpoint.portfolio_version)
    since = {
        "deployment": deployment_id,
        "checkpoint": checkpoint.ts,
        "news": [fill.intent_id for fill in news if not fill.leg],
    }
    # A strategy never knew of orders that a person placed: a restarted one must not either.
    orders = [
        order for order in map(_order, await _dicts(conn, _ORDERS, since)) if not order.tag.startswith(MANUAL_TAG)
    ]
    cash = await (
        await conn.execute("SELECT currency, amount FROM cash WHERE portfolio_id = %s", (portfolio_id,))
    ).fetchall()
    held = await (
        await conn.execute("SELECT instrument, quantity FROM positions WHERE portfolio_id = %s", (portfolio_id,))
    ).fetchall()
    ended = await (await conn.execute(_ENDED, {"deployment": deployment_id})).fetchall()
    return AccountSnapshot(
        view=PortfolioView(portfolio_id, currency, dict(cash), positions=dict(held), version=now),
        initial=PortfolioView(portfolio_id, currency, initial_cash),
        orders=_as_of_checkpoint(orders, news),
        fills=tuple(fill for fill in fills if fill.portfolio_version <= checkpoint.portfolio_version),
        news=news,
        ended=dict(ended),
    )


async def until_settled(database: Database, clock: Clock, intents: Sequence[str], seconds: float) -> bool:
    """Wait until each order intent was rejected or its order acknowledged; False after ``seconds``."""
    deadline = clock.monotonic() + round(seconds * 1e9)

    async def undecided(conn: Connection) -> int:
        row = await (await conn.execute(_UNDECIDED, (list(intents),))).fetchone()
        return int(row[0]) if row else 0

    while len(intents) and await database.run(undecided):
        if clock.monotonic() > deadline:
            return False
        await clock.sleep(_RETRY_SECONDS)
    return True


def _as_of_checkpoint(orders: list[WorkingOrder], news: Sequence[OrderFilled]) -> tuple[WorkingOrder, ...]:
    later: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for fill in news:
        if not fill.leg:
            later[fill.intent_id] += fill.quantity
    return tuple(replace(order, filled=order.filled - later[order.id]) for order in orders)


async def _dicts(conn: Connection, query: Any, values: Sequence[Any] | Mapping[str, Any]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    identity = f"{row['venue']}/{row['account']}/{row['trade_id']}"
    return {**row, "side": Side(row["side"]), "event_id": identity, "occurred_at": row["ts"]}


def _order(row: dict[str, Any]) -> WorkingOrder:
    payload: bytes = row["payload"]
    return WorkingOrder(
        id=row["intent_id"],
        instrument=row["instrument"],
        side=Side(row["side"]),
        # An order that ended by a cancellation works no more than what was filled of it.
        quantity=row["filled"] if row["ended"] else row["quantity"],
        filled=row["filled"],
        order_type=OrderType(row["order_type"]),
        limit_price=row["limit_price"],
        stop_price=row["stop_price"],
        decided_at=row["decided_at"],
        tag=msgspec.json.decode(payload, type=OrderIntent).tag,
    )
