"""What was traded and paid in a period, by portfolio, instrument and day."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ..context import Connection
from .selection import Wanted

_TRADED = """SELECT f.portfolio_id, f.instrument,
 date_trunc('day', to_timestamp((f.ts / 1000000000)::float8)) AS day,
 sum(f.fee) FILTER (WHERE f.fee_currency = p.currency), sum(f.quantity * f.price)
 FROM fills f JOIN portfolios p USING (portfolio_id)
 WHERE f.portfolio_id = ANY(%(portfolios)s) AND f.ts >= %(start)s AND f.ts < %(end)s
 AND (%(instrument)s = '' OR f.instrument = %(instrument)s) GROUP BY 1, 2, 3"""
_FOREVER = 2**63 - 1


class Traded(NamedTuple):
    """Sums of one portfolio's fills in one instrument on one UTC day of market time, in the portfolio's currency."""

    portfolio: str
    instrument: str
    day: datetime
    fees: Decimal
    notional: Decimal


def traded(conn: Connection, portfolios: Sequence[str], wanted: Wanted) -> list[Traded]:
    """Of fills in the period of ``wanted``; fees in another currency than the portfolio's are left out."""
    values = {
        "portfolios": list(portfolios),
        "start": wanted.start if wanted.start is not None else -_FOREVER,
        "end": wanted.end if wanted.end is not None else _FOREVER,
        "instrument": wanted.instrument,
    }
    rows = conn.execute(_TRADED.encode(), values).fetchall()
    return [Traded(portfolio, key, day, fees or Decimal(0), notional) for portfolio, key, day, fees, notional in rows]
