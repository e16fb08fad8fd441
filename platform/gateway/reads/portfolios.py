"""Portfolios now."""

from ...contracts.api.trading import Portfolio
from ...contracts.errors import NotFoundError
from ...contracts.time import from_datetime, to_datetime
from ..auth.access import Principal
from ..context import Connection
from .accounts import Account, accounts
from .drawdowns import DRAWDOWNS
from .selection import Wanted, choose


def portfolios(
    conn: Connection, wanted: Wanted, principal: Principal, *, wall: int, after: str | None = None, limit: int
) -> list[tuple[str, Portfolio]]:
    """Portfolios with their keys, the newest first."""
    chosen = choose(conn, wanted, principal)
    names = chosen.portfolios
    if after is not None:
        names = names[names.index(after) + 1 :] if after in names else []
    loaded = accounts(conn, names[:limit], wall=wall)
    owners = {name: [one.deployment for one in chosen.facts.values() if one.portfolio == name] for name in loaded}
    found = [loaded[name] for name in names[:limit]]
    falls = DRAWDOWNS.of(conn, [[one] for one in found])
    return [
        (one.portfolio, _portfolio(one, owners[one.portfolio], fall)) for one, fall in zip(found, falls, strict=True)
    ]


def portfolio(conn: Connection, name: str, principal: Principal, *, wall: int) -> Portfolio:
    """One portfolio. Raises :class:`NotFoundError`, also for one that the principal does not see."""
    found = portfolios(conn, Wanted(portfolio=name), principal, wall=wall, limit=1)
    if not found:
        raise NotFoundError(f"there is no portfolio {name!r}", hint="GET /api/v1/portfolios lists them.")
    return found[0][1]


def _portfolio(account: Account, deployments: list[str], drawdown: float) -> Portfolio:
    ledger = account.ledger
    moments = [held.updated_ts for held in ledger.positions.values()]
    moments += [mark.ts for key, mark in account.marks.items() if ledger.quantity(key)]
    moments += [from_datetime(account.noted_at)] if account.noted_at is not None else []
    return Portfolio(
        portfolio=account.portfolio,
        deployments=tuple(deployments),
        session=account.session,
        target=account.target,
        currency=account.currency,
        version=account.version,
        initial_cash=account.initial_cash,
        cash=dict(ledger.cash),
        equity=account.equity,
        day_pnl=account.day_pnl,
        drawdown=drawdown,
        exposure=account.exposure,
        realized_pnl=ledger.realized_pnl(),
        unrealized_pnl=ledger.unrealized_pnl(),
        fees=ledger.total_fees(),
        updated_at=to_datetime(max(moments)) if moments else None,
    )
