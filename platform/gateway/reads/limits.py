"""The limits of deployments beside what is used of them, measured as the rules of risk measure it."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from ...contracts.api.trading import LimitUse
from ...contracts.enums import RejectCode
from ...contracts.errors import InputError, MillstreamError
from ...contracts.money import ONE, ZERO, bps_between
from ...contracts.time import SECOND
from ...risk.exposure import gross, worst
from ...risk.limits import RiskLimits
from ...risk.rules.daily_loss import loss_limit
from ..auth.access import Principal
from ..context import Connection
from .accounts import Account, accounts
from .selection import Facts, Wanted, choose

Line = tuple[str, RejectCode, Decimal | None, Decimal | None, str]
"""Name of the limit, the code of its rejections, the limit, what is used of it, and the unit of both."""

EQUITY = "x equity"


def limits(
    conn: Connection, wanted: Wanted, principal: Principal, *, wall: int, after: str | None = None, limit: int
) -> list[tuple[str, list[LimitUse]]]:
    """The limits of up to ``limit`` deployments (with their ids as keys), the newest deployment first."""
    chosen = list(choose(conn, wanted, principal).facts.values())
    if after is not None:
        begin = next((number for number, one in enumerate(chosen) if one.deployment == after), len(chosen))
        chosen = chosen[begin + 1 :]
    chosen = chosen[:limit]
    loaded = accounts(conn, [one.portfolio for one in chosen], wall=wall)
    return [(one.deployment, uses(one, loaded[one.portfolio])) for one in chosen]


def uses(facts: Facts, account: Account) -> list[LimitUse]:
    """Every limit of one deployment; limits that cannot be read deny everything, and are told as one that is unset."""
    try:
        found = RiskLimits.from_mapping(facts.limits)
    except InputError:
        return [_use(facts, ("limits", RejectCode.MISSING_LIMIT, None, None, ""))]
    return [_use(facts, line) for line in _lines(found, facts, account)]


def _use(facts: Facts, line: Line) -> LimitUse:
    name, code, limit, used, unit = line
    return LimitUse(
        deployment=facts.deployment,
        portfolio=facts.portfolio,
        name=name,
        code=code,
        limit=limit,
        used=used,
        use=float(used / limit) if used is not None and limit else None,
        unit=unit,
    )


def _lines(limits: RiskLimits, facts: Facts, account: Account) -> Iterator[Line]:
    yield from _of_an_order(limits, facts, account)
    yield from _of_a_position(limits, facts, account)
    yield from _of_the_portfolio(limits, account)
    yield from _of_the_day(limits, account)


def _of_an_order(limits: RiskLimits, facts: Facts, account: Account) -> Iterator[Line]:
    """Limits of one order have nothing used; those of the market's data have their worst instrument."""
    code = RejectCode.MAX_ORDER_NOTIONAL
    yield "max_order_qty", RejectCode.MAX_ORDER_QTY, limits.max_order_qty, None, "units"
    yield from _either(
        ("max_order_notional", code, limits.max_order_notional, None, account.currency),
        ("max_order_notional_of_equity", code, limits.max_order_notional_of_equity, None, EQUITY),
    )
    yield "price_collar_bps", RejectCode.PRICE_COLLAR, limits.price_collar_bps, None, "bps"
    marks = [account.marks[key] for key in facts.instruments if key in account.marks]
    oldest = max((_seconds(max(account.now - mark.ts, 0)) for mark in marks), default=None)
    jump = max((bps_between(mark.price, mark.previous) for mark in marks if mark.previous), default=None)
    stale = RejectCode.STALE_MARKET_DATA
    yield "max_data_age", stale, _duration(limits.max_data_age_ns), oldest, "s"
    yield "max_jump_bps", stale, limits.max_jump_bps, jump, "bps"
    yield "dup_window", RejectCode.DUPLICATE_INTENT, _duration(limits.dup_window_ns), None, "s"


def _of_a_position(limits: RiskLimits, facts: Facts, account: Account) -> Iterator[Line]:
    """The worst case of the largest position: held, and all that is working on one side."""
    ledger, open_ = account.ledger, account.reservations
    sizes = {key: worst(ledger.quantity(key), open_.buying(key), open_.selling(key)) for key in facts.instruments}
    notional = _measured(lambda: max((ledger.notional(key, size) for key, size in sizes.items() if size), default=ZERO))
    code = RejectCode.MAX_POSITION
    yield from _either(
        ("max_position_qty", code, limits.max_position_qty, max(sizes.values(), default=ZERO), "units"),
        ("max_position_notional", code, limits.max_position_notional, notional, account.currency),
        ("max_position_of_equity", code, limits.max_position_of_equity, _of_equity(notional, account), EQUITY),
    )


def _of_the_portfolio(limits: RiskLimits, account: Account) -> Iterator[Line]:
    used = _measured(lambda: gross(account.ledger, account.reservations))
    code = RejectCode.MAX_GROSS_EXPOSURE
    relative = limits.max_gross_exposure_of_equity
    yield from _either(
        ("max_gross_exposure", code, limits.max_gross_exposure, used, account.currency),
        ("max_gross_exposure_of_equity", code, relative, _of_equity(used, account), EQUITY),
    )
    power = None
    if limits.leverage is not None and limits.buying_power_tolerance is not None:
        power = limits.leverage * account.equity * (ONE + limits.buying_power_tolerance)
    yield "buying_power", RejectCode.INSUFFICIENT_BUYING_POWER, power, used, account.currency


def _of_the_day(limits: RiskLimits, account: Account) -> Iterator[Line]:
    """The loss since the start of the session's UTC day; before its first market event nothing is used."""
    start = account.day.start_equity
    bound = _measured(lambda: loss_limit(limits, account.initial_cash if start is None else start))
    used = None if start is None else max(-account.day_pnl, ZERO)
    yield "daily_loss", RejectCode.DAILY_LOSS, bound, used, account.currency


def _either(*lines: Line) -> Iterator[Line]:
    """Those forms of a limit that are set; the first one, unset, where none is: it denies."""
    found = [line for line in lines if line[2] is not None]
    yield from found or lines[:1]


def _measured(measure: Callable[[], Decimal]) -> Decimal | None:
    """None where risk could not measure it either (no mark, no rate, no limit), and denies."""
    try:
        return measure()
    except MillstreamError:
        return None


def _of_equity(amount: Decimal | None, account: Account) -> Decimal | None:
    return amount / account.equity if amount is not None and account.equity > 0 else None


def _seconds(ns: int) -> Decimal:
    return Decimal(ns) / SECOND


def _duration(ns: int | None) -> Decimal | None:
    return None if ns is None else _seconds(ns)
