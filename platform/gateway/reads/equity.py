"""Equity of one portfolio over time, thinned so that a chart of it still shows every high and low."""

from datetime import datetime

from ...contracts.api.trading import EquityPoint
from ...contracts.time import to_datetime
from ..auth.access import Principal
from ..context import Connection
from .portfolios import portfolio
from .selection import Wanted

# Of each of n equal parts the lowest and the highest point, and the first and the last of all.
_THINNED = """WITH chosen AS (
 SELECT ts, equity, cash, realized_pnl, unrealized_pnl, fees, row_number() OVER (ORDER BY ts) AS number,
 count(*) OVER () AS total, ntile(%(parts)s) OVER (ORDER BY ts) AS part
 FROM equity WHERE portfolio_id = %(portfolio)s AND ts >= %(start)s AND ts < %(end)s),
 ranked AS (SELECT *, row_number() OVER (PARTITION BY part ORDER BY equity, ts) AS low,
 row_number() OVER (PARTITION BY part ORDER BY equity DESC, ts) AS high FROM chosen)
 SELECT ts, equity, cash, realized_pnl, unrealized_pnl, fees FROM ranked
 WHERE total <= %(points)s OR low = 1 OR high = 1 OR number = 1 OR number = total ORDER BY ts"""
_BEGIN, _END = datetime.fromisoformat("0001-01-01T00:00:00Z"), datetime.fromisoformat("9999-12-31T00:00:00Z")


def equity(conn: Connection, wanted: Wanted, principal: Principal, *, wall: int, points: int) -> list[EquityPoint]:
    """At most ``points`` (>= 4) of the portfolio that ``wanted`` names, the oldest first.

    Raises :class:`NotFoundError` for a portfolio that the principal does not see.
    """
    found = portfolio(conn, wanted.portfolio, principal, wall=wall)
    values = {
        "portfolio": found.portfolio,
        "start": to_datetime(wanted.start) if wanted.start is not None else _BEGIN,
        "end": to_datetime(wanted.end) if wanted.end is not None else _END,
        "points": points,
        "parts": (points - 2) // 2,
    }
    return [
        EquityPoint(time=ts, equity=value, cash=cash, realized_pnl=realized, unrealized_pnl=unrealized, fees=fees)
        for ts, value, cash, realized, unrealized, fees in conn.execute(_THINNED.encode(), values).fetchall()
    ]
