"""Accounts as risk sees them now: the ledger at the newest prices, working orders, the risk day."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.rows import dict_row

from ...contracts.enums import OrderState, Side
from ...contracts.instrument import Instrument
from ...contracts.money import ZERO
from ...portfolio.ledger import Ledger
from ...portfolio.position import Position
from ...risk.day import RiskDay
from ...risk.limits import DAY_NS
from ...risk.reservations import Reservations
from ..context import Connection
from .orders import ENDED

Row = dict[str, Any]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The newest price of an instrument in a session and the one before, at market time ``ts`` (UTC ns)."""

    price: Decimal
    previous: Decimal | None
    ts: int


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """A working order as :class:`~millstream.risk.reservations.Reservations` reads it."""

    order_id: str
    instrument: str
    side: Side
    quantity: Decimal
    filled: Decimal
    reduce_only: bool
    state: OrderState
    leg: str
    limit_price: Decimal | None
    stop_price: Decimal | None

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.filled, ZERO)


class Account(msgspec.Struct, kw_only=True):
    """One portfolio now. ``now`` is its session's time (UTC ns): wall time, or a replay's newest market time.

    ``noted_at`` is the market time of its newest equity row.
    """

    portfolio: str
    session: str
    target: str
    currency: str
    initial_cash: Decimal
    version: int
    opened: float
    now: int
    ledger: Ledger
    reservations: Reservations
    day: RiskDay
    marks: dict[str, Mark]
    working: list[Working]
    noted_at: datetime | None = None

    @property
    def equity(self) -> Decimal:
        return self.ledger.equity()

    @property
    def day_pnl(self) -> Decimal:
        """Equity since the start of the UTC day of the session's clock; 0 before the day's first market event."""
        begun = self.day.start_equity is not None and self.day.day == self.now // DAY_NS
        return self.equity - self.day.start_equity if begun and self.day.start_equity is not None else ZERO

    @property
    def exposure(self) -> Decimal:
        """Gross notional held at the newest prices, in the portfolio's currency."""
        ledger = self.ledger
        held = ledger.positions.values()
        return sum((ledger.rates.convert(abs(one.quantity) * ledger.mark_of(one), one.currency) for one in held), ZERO)


def accounts(conn: Connection, portfolios: Sequence[str], *, wall: int) -> dict[str, Account]:
    """Accounts by portfolio id; ``wall`` (UTC ns) is the time of sessions on the wall clock.

    Several statements: let them see one state of the database (:func:`~millstream.gateway.reads.snapshot.snapshot`).
    """
    keys = list(portfolios)
    heads = _rows(conn, _HEADS, keys)
    instruments = {row.pop("key"): Instrument(**row) for row in _rows(conn, _INSTRUMENTS, keys)}
    marks: defaultdict[str, dict[str, Mark]] = defaultdict(dict)
    for row in _rows(conn, _MARKS, sorted({row["session"] for row in heads})):
        marks[row["session"]][row["instrument"]] = Mark(price=row["price"], previous=row["previous"], ts=row["ts"])
    cash, held, days = (
        _by_portfolio(conn, _CASH, keys),
        _by_portfolio(conn, _HELD, keys),
        _by_portfolio(conn, _DAYS, keys),
    )
    working = _by_portfolio(conn, _WORKING, keys)
    found = {}
    for head in heads:
        key = head["portfolio_id"]
        ledger = _ledger(head, instruments, cash[key], held[key], marks[head["session"]])
        open_ = [msgspec.convert(row, Working, strict=False) for row in working[key]]
        found[key] = _account(head, ledger, open_, days[key], marks[head["session"]], wall)
    return found


def _account(
    head: Row, ledger: Ledger, working: list[Working], days: list[Row], marks: dict[str, Mark], wall: int
) -> Account:
    reservations = Reservations()
    for order in working:
        reservations.update(order)
    newest = max((mark.ts for mark in marks.values()), default=head["position"])
    return Account(
        portfolio=head["portfolio_id"],
        session=head["session"],
        target=head["target"],
        currency=head["currency"],
        initial_cash=head["initial_cash"],
        version=head["version"],
        opened=head["opened"],
        now=wall if head["clock"] == "wall" else newest,
        ledger=ledger,
        reservations=reservations,
        day=RiskDay.from_value(days[0]["value"]) if days else RiskDay(),
        marks=marks,
        working=working,
        noted_at=head["noted_at"],
    )


def _ledger(
    head: Row, instruments: dict[str, Instrument], cash: list[Row], held: list[Row], marks: dict[str, Mark]
) -> Ledger:
    fees: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in held:
        fees[row["currency"]] += row["fees"]
    return Ledger.from_state(
        head["portfolio_id"],
        head["currency"],
        instruments,
        version=head["version"],
        cash={row["currency"]: row["amount"] for row in cash},
        positions=[Position(**row) for row in held],
        fees=fees,
        marks={instrument: mark.price for instrument, mark in marks.items()},
    )


def _by_portfolio(conn: Connection, text: str, keys: list[str]) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _rows(conn, text, keys):
        found[row.pop("portfolio_id")].append(row)
    return found


def _rows(conn: Connection, text: str, keys: list[str]) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text.encode(), (keys,)).fetchall()


_HEADS = """SELECT f.portfolio_id, f.session, f.target, f.currency, f.initial_cash, f.version,
 extract(epoch FROM f.created_at)::float8 AS opened,
 coalesce(s.clock, CASE f.session WHEN '' THEN 'wall' ELSE 'market' END) AS clock, coalesce(s.position, 0) AS position,
 (SELECT e.ts FROM equity e WHERE e.portfolio_id = f.portfolio_id ORDER BY e.ts DESC LIMIT 1) AS noted_at
 FROM portfolios f LEFT JOIN market_sessions s ON s.session_id = f.session
 WHERE f.portfolio_id = ANY(%s) ORDER BY f.created_at DESC, f.portfolio_id"""
_INSTRUMENTS = f"""SELECT key, {", ".join(Instrument.__struct_fields__)} FROM instruments WHERE key IN
 (SELECT unnest(instruments) FROM deployments WHERE portfolio_id = ANY(%s))"""  # noqa: S608 - field names
_MARKS = "SELECT session, instrument, price, previous, ts FROM marks WHERE session = ANY(%s)"
_CASH = "SELECT portfolio_id, currency, amount FROM cash WHERE portfolio_id = ANY(%s) ORDER BY currency"
_HELD = "SELECT * FROM positions WHERE portfolio_id = ANY(%s) ORDER BY portfolio_id, instrument"
_DAYS = (
    "SELECT scope_id AS portfolio_id, value FROM risk_latches"
    " WHERE scope = 'portfolio' AND name = 'day' AND scope_id = ANY(%s)"
)
_WORKING = f"""SELECT portfolio_id, order_id, instrument, side, quantity, filled, reduce_only, state, leg, limit_price,
 stop_price FROM orders WHERE portfolio_id = ANY(%s) AND state NOT IN {ENDED} ORDER BY created_ts, order_id"""  # noqa: S608 - constant
