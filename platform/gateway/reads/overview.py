"""The first page: totals by target and currency, runners, halts, cash, refusals of the day."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal

from ...contracts.api.reports import Overview, TargetTotals
from ...contracts.money import ZERO
from ...risk.limits import DAY_NS
from ..auth.access import Principal
from ..context import Connection
from .accounts import Account, accounts
from .closed import CLOSED_TRADES
from .drawdowns import DRAWDOWNS
from .rejections import rejected_since
from .selection import Chosen, Wanted, choose

_RUNNERS = (
    "SELECT coalesce(r.state, CASE d.desired_state WHEN 'running' THEN 'pending' ELSE 'stopped' END)"
    " FROM deployments d LEFT JOIN runners r USING (deployment_id) WHERE d.deployment_id = ANY(%s)"
)
_HALTS = (
    "SELECT count(*) FROM halts WHERE state <> 'active' AND (scope = 'global'"
    " OR (scope = 'deployment' AND scope_id = ANY(%s)) OR (scope = 'portfolio' AND scope_id = ANY(%s))"
    " OR (scope = 'instrument' AND scope_id = ANY(%s)))"
)


def overview(conn: Connection, wanted: Wanted, principal: Principal, *, wall: int) -> Overview:
    """The selection now; ``wall`` is the time in UTC ns. Halts are those that cover any of the selection."""
    chosen = choose(conn, wanted, principal)
    loaded = list(accounts(conn, chosen.portfolios, wall=wall).values())
    closed = CLOSED_TRADES.of(conn, loaded)
    groups: defaultdict[tuple[str, str], list[Account]] = defaultdict(list)
    cash: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in loaded:
        groups[one.target, one.currency].append(one)
        for currency, amount in one.ledger.cash.items():
            cash[one.target][currency] += amount
    deployments = list(chosen.facts)
    ordered = sorted(groups.items())
    falls = DRAWDOWNS.of(conn, [found for _, found in ordered])
    return Overview(
        totals=tuple(
            _totals(target, currency, found, closed, fall)
            for ((target, currency), found), fall in zip(ordered, falls, strict=True)
        ),
        runners=dict(Counter(row[0] for row in conn.execute(_RUNNERS, (deployments,)).fetchall())),
        halts=_halts(conn, chosen),
        balances={target: dict(amounts) for target, amounts in cash.items()},
        rejections_today=rejected_since(conn, None if chosen.everything else deployments, wall - wall % DAY_NS),
    )


def _totals(
    target: str, currency: str, found: Sequence[Account], closed: dict[str, int], drawdown: float
) -> TargetTotals:
    equity, initial = _sum([one.equity for one in found]), _sum([one.initial_cash for one in found])
    return TargetTotals(
        target=target,
        currency=currency,
        equity=equity,
        initial_cash=initial,
        day_pnl=_sum([one.day_pnl for one in found]),
        pnl=equity - initial,
        drawdown=drawdown,
        exposure=_sum([one.exposure for one in found]),
        cash=_sum([one.ledger.cash.get(currency, ZERO) for one in found]),
        fees=_sum([one.ledger.total_fees() for one in found]),
        open_trades=sum(bool(held.quantity) for one in found for held in one.ledger.positions.values()),
        closed_trades=sum(closed[one.portfolio] for one in found),
    )


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def _halts(conn: Connection, chosen: Chosen) -> int:
    instruments = sorted({key for one in chosen.facts.values() for key in one.instruments})
    row = conn.execute(_HALTS, (list(chosen.facts), chosen.portfolios, instruments)).fetchone()
    return int(row[0]) if row else 0
