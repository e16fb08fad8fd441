"""Reports: how a selection of portfolios did in a period, one for each target and currency; nothing is added across.

Totals, days and months come from equity, so they hold what is unrealised. Trades, and what an instrument brought, are
those that were closed in the period, and what is still open when the period has no end.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from ...contracts.api.reports import Attribution, Drawdown, PeriodResult, Report
from ...contracts.api.trading import Trade
from ...contracts.errors import InputError
from ...contracts.money import ZERO
from ...contracts.time import to_datetime
from ..auth.access import Principal
from ..context import Connection
from . import curves, series
from .accounts import accounts
from .performance import ratios, wins
from .selection import Chosen, Facts, Wanted, choose
from .traded import Traded, traded
from .trades import as_trades, selected
from .trips import STILL_OPEN, Trip

DEEPEST = 10
MOST_TRADES = 100_000
DAY, MONTH = "%Y-%m-%d", "%Y-%m"


class Closed(NamedTuple):
    """A trip with its profit after fees; ``day`` is that of its close, empty for one that is still open."""

    trip: Trip
    pnl: Decimal
    day: str


class Curve(NamedTuple):
    """Equity of a group at its start, by day, and the curve of its drawdowns (:mod:`.drawdowns`)."""

    initial: dict[str, Decimal]
    final: dict[str, Decimal]
    days: list[curves.Point]
    fine: list[curves.Point]


def reports(conn: Connection, wanted: Wanted, principal: Principal, *, wall: int) -> list[Report]:
    """One report for each target and currency of the selection, in that order; ``wall`` is the time in UTC ns.

    Raises :class:`InputError` for a selection of more trades than are read at once.
    """
    chosen = choose(conn, wanted, principal)
    groups: defaultdict[tuple[str, str], dict[str, Facts]] = defaultdict(dict)
    for one in chosen.facts.values():
        groups[one.target, one.currency][one.deployment] = one
    return [
        _report(conn, wanted, Chosen(facts=facts, everything=False), target, currency, wall)
        for (target, currency), facts in sorted(groups.items())
    ]


def _report(conn: Connection, wanted: Wanted, group: Chosen, target: str, currency: str, wall: int) -> Report:
    closed = _trips(conn, group, wanted)
    paid = traded(conn, group.portfolios, wanted)
    curve = _of_trades(conn, group, wanted, closed) if wanted.instrument else _of_equity(conn, group, wanted, wall)
    initial, final = sum(curve.initial.values(), ZERO), sum(curve.final.values(), ZERO)
    days = curves.results(curve.days, initial, DAY)
    found = ratios(days, [point.bucket for point in curve.days])
    falls = curves.declines(curve.fine, initial)
    ended = [one for one in closed if one.day]
    won = wins([one.pnl for one in ended])
    best, worst = _extremes(conn, group, ended)
    return Report(
        target=target,
        currency=currency,
        deployments=tuple(group.facts),
        start=_moment(wanted.start, curve.days[:1]),
        end=_moment(wanted.end, curve.days[-1:]),
        initial=initial,
        final=final,
        pnl=final - initial,
        return_pct=_percent(final - initial, initial),
        fees=sum((one.fees for one in paid), ZERO),
        max_drawdown=max((fall.depth for fall in falls), default=0.0),
        volatility=found.volatility,
        sharpe=found.sharpe,
        sortino=found.sortino,
        win_rate=won.rate,
        profit_factor=won.profit_factor,
        trades=len(ended),
        trades_per_day=len(ended) / len(days) if days else 0.0,
        average_trade=won.average,
        best=best,
        worst=worst,
        days=_periods(days, ended, paid, DAY),
        months=_periods(curves.results(curve.days, initial, MONTH), ended, paid, MONTH),
        by_strategy=_by_strategy(group, curve, closed, paid),
        by_instrument=_by_instrument(closed, paid),
        drawdowns=tuple(
            Drawdown(depth=one.depth, peak_at=one.peak_at, trough_at=one.trough_at, recovered_at=one.recovered_at)
            for one in sorted(falls, key=lambda fall: -fall.depth)[:DEEPEST]
        ),
    )


def _of_equity(conn: Connection, group: Chosen, wanted: Wanted, wall: int) -> Curve:
    names, start, end = group.portfolios, wanted.start, wanted.end
    initial = dict(series.initial(conn, names, start))
    by_day = series.curves(conn, names, start, end, series.DAY)
    days = curves.total(by_day, initial)
    bucket = series.resolution(conn, names, start, end)
    fine = days if bucket == series.DAY else curves.total(series.curves(conn, names, start, end, bucket), initial)
    if end is None:
        fine = [*fine, *_present(conn, names, wall, fine[-1:])]
    final = {name: by_day[name][-1].value if by_day.get(name) else value for name, value in initial.items()}
    return Curve(initial, final, days, fine)


def _present(
    conn: Connection, portfolios: Sequence[str], wall: int, last: Sequence[curves.Point]
) -> list[curves.Point]:
    """The point of this moment behind the ``last`` slice: the drawdown of now is one of the report, too."""
    now = accounts(conn, portfolios, wall=wall).values()
    equity = sum((one.equity for one in now), ZERO)
    return [point._replace(at=max(point.at, *(to_datetime(one.now) for one in now)), value=equity) for point in last]


def _of_trades(conn: Connection, group: Chosen, wanted: Wanted, closed: Sequence[Closed]) -> Curve:
    """The curve of one instrument: equity at the start, and what its trades brought as they were closed."""
    initial = dict(series.initial(conn, group.portfolios, wanted.start))
    by_day: defaultdict[str, list[curves.Point]] = defaultdict(list)
    final = dict(initial)
    for one in sorted((one for one in closed if one.day), key=lambda one: one.trip.keys[0]):
        portfolio, at = one.trip.portfolio, to_datetime(one.trip.keys[0])
        final[portfolio] += one.pnl
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        by_day[portfolio].append(curves.Point(day, at, final[portfolio]))
    days = curves.total(by_day, initial)
    for one in closed:
        final[one.trip.portfolio] += ZERO if one.day else one.pnl
    return Curve(initial, final, days, days)


def _trips(conn: Connection, group: Chosen, wanted: Wanted) -> list[Closed]:
    """Trips closed in the period, and the open ones where it has no end (so that their profit is of it)."""
    is_open = False if wanted.end is not None else None
    found = list(islice(selected(conn, group, wanted, is_open=is_open), MOST_TRADES + 1))
    if len(found) > MOST_TRADES:
        raise InputError(
            f"the report would be of more than {MOST_TRADES:,} trades",
            hint="Ask for a shorter period or fewer deployments.",
        )
    open_ = [one for one in found if one.trip.open_quantity]
    marked = {one.keys: trade.pnl for one, trade in zip(open_, as_trades(conn, group, open_), strict=True)}
    return [Closed(one, marked[one.keys] if one.keys in marked else one.trip.pnl(None), _day(one)) for one in found]


def _day(one: Trip) -> str:
    return "" if one.keys[0] == STILL_OPEN else to_datetime(one.keys[0]).strftime(DAY)


def _extremes(conn: Connection, group: Chosen, ended: Sequence[Closed]) -> tuple[Trade | None, Trade | None]:
    if not ended:
        return None, None
    by_profit = sorted(ended, key=lambda one: one.pnl)
    worst, best = as_trades(conn, group, [by_profit[0].trip, by_profit[-1].trip])
    return best, worst


def _periods(
    found: Iterable[curves.Result], ended: Iterable[Closed], paid: Iterable[Traded], form: str
) -> tuple[PeriodResult, ...]:
    length = len("2000-01") if form == MONTH else len("2000-01-01")
    trades: defaultdict[str, int] = defaultdict(int)
    fees: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in ended:
        trades[one.day[:length]] += 1
    for item in paid:
        fees[item.day.strftime(form)] += item.fees
    return tuple(
        PeriodResult(
            period=one.period,
            pnl=one.pnl,
            return_pct=100 * one.fraction,
            trades=trades[one.period],
            fees=fees[one.period],
        )
        for one in found
    )


def _by_strategy(
    group: Chosen, curve: Curve, closed: Sequence[Closed], paid: Sequence[Traded]
) -> tuple[Attribution, ...]:
    names = {one.portfolio: one.strategy for one in group.facts.values()}
    profit: defaultdict[str, Decimal] = defaultdict(Decimal)
    for portfolio, name in names.items():
        profit[name] += curve.final[portfolio] - curve.initial[portfolio]
    return _attributions(
        profit, lambda one: names[one.trip.portfolio], lambda item: names[item.portfolio], closed, paid
    )


def _by_instrument(closed: Sequence[Closed], paid: Sequence[Traded]) -> tuple[Attribution, ...]:
    profit: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in closed:
        profit[one.trip.instrument] += one.pnl
    for item in paid:
        profit[item.instrument] += ZERO
    return _attributions(profit, lambda one: one.trip.instrument, lambda item: item.instrument, closed, paid)


def _attributions(
    profit: dict[str, Decimal],
    of_trip: Callable[[Closed], str],
    of_fills: Callable[[Traded], str],
    closed: Sequence[Closed],
    paid: Sequence[Traded],
) -> tuple[Attribution, ...]:
    """What each name brought, the most first."""
    ended: defaultdict[str, list[Decimal]] = defaultdict(list)
    for one in closed:
        if one.day:
            ended[of_trip(one)].append(one.pnl)
    return tuple(
        Attribution(
            name=name,
            pnl=pnl,
            fees=sum((item.fees for item in paid if of_fills(item) == name), ZERO),
            trades=len(ended[name]),
            win_rate=wins(ended[name]).rate,
            traded_notional=sum((item.notional for item in paid if of_fills(item) == name), ZERO),
        )
        for name, pnl in sorted(profit.items(), key=lambda entry: (-entry[1], entry[0]))
    )


def _moment(asked: int | None, points: Sequence[curves.Point]) -> datetime | None:
    """The bound that was asked for, else where the curve has its own."""
    if asked is not None:
        return to_datetime(asked)
    return points[0].at if points else None


def _percent(part: Decimal, whole: Decimal) -> float:
    return float(100 * part / whole) if whole > 0 else 0.0
