"""Executions."""

from ...contracts.api.trading import Fill
from ...contracts.time import to_datetime
from ..auth.access import Principal
from ..context import Connection
from .listing import Listing, Row, read
from .selection import Chosen, Wanted, choose

Keys = tuple[int, int, str]
LISTING = Listing(
    columns="trade_id, order_id, intent_id, leg, deployment_id, portfolio_id, instrument, session, side, quantity,"
    " price, fee, fee_currency, liquidity, realized_pnl, late, ts, portfolio_version",
    table="fills",
    owner="portfolio_id",
    keys=("ts", "portfolio_version", "trade_id"),
)
_SAME = (
    "trade_id",
    "leg",
    "instrument",
    "session",
    "side",
    "quantity",
    "price",
    "fee",
    "fee_currency",
    "liquidity",
    "realized_pnl",
    "late",
)


def fills(
    conn: Connection, wanted: Wanted, principal: Principal, *, after: Keys | None = None, limit: int
) -> list[tuple[Keys, Fill]]:
    """Executions with their keys, the newest first."""
    chosen = choose(conn, wanted, principal)
    rows = read(conn, LISTING, chosen, wanted, after=after, limit=limit)
    return [((row["ts"], row["portfolio_version"], row["trade_id"]), _fill(row, chosen)) for row in rows]


def _fill(row: Row, chosen: Chosen) -> Fill:
    return Fill(
        **{name: row[name] for name in _SAME},
        order=row["order_id"],
        intent=row["intent_id"],
        deployment=row["deployment_id"],
        portfolio=row["portfolio_id"],
        target=chosen.target_of(row["deployment_id"]),
        time=to_datetime(row["ts"]),
    )
