"""The ledger of one portfolio: cash, positions, fees and profit. Pure; the database is kept by the trading service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from ..contracts.enums import Side
from ..contracts.errors import IntegrityError, NotFoundError
from ..contracts.events import PortfolioUpdated, PositionView
from ..contracts.instrument import Instrument
from ..contracts.money import ZERO
from .currency import Rates
from .position import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution as the ledger sees it: ``quantity`` in base units (> 0), ``price`` in the instrument's currency.

    ``(venue, account, trade_id)`` identifies it. ``fee`` is positive when paid and negative for a rebate; ``ts`` is the
    market time of the execution (UTC ns).
    """

    venue: str
    account: str
    trade_id: str
    instrument: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    ts: int

    @property
    def key(self) -> tuple[str, str, str]:
        return self.venue, self.account, self.trade_id

    @property
    def numbers(self) -> tuple[str, Side, Decimal, Decimal, Decimal, str]:
        """What must be the same when the same trade is reported again."""
        return self.instrument, self.side, self.quantity, self.price, self.fee, self.fee_currency


@dataclass(frozen=True, slots=True)
class FillResult:
    """``applied`` is false for a fill that was booked before.

    ``realized_pnl`` is in the instrument's currency, before fees; ``position`` is the live position object (read it,
    do not keep it); ``version`` the ledger's after the fill.
    """

    applied: bool
    realized_pnl: Decimal
    position: Position
    version: int


class Ledger:
    """Cash by currency, positions by instrument, marks, fees by currency.

    ``currency`` is what equity and totals are counted in; ``instruments`` (shared, read only) gives each instrument's
    currency. An open position without a mark is valued at its average price; :attr:`unmarked` names such positions, and
    risk refuses to trade on them.
    """

    __slots__ = (
        "_equity",
        "_fills",
        "_instruments",
        "cash",
        "currency",
        "fees",
        "marks",
        "portfolio_id",
        "positions",
        "rates",
        "version",
    )

    def __init__(
        self,
        portfolio_id: str,
        currency: str,
        instruments: Mapping[str, Instrument],
        rates: Mapping[str, Decimal] | None = None,
    ) -> None:
        self.portfolio_id = portfolio_id
        self.currency = currency
        self.rates = Rates(currency, rates)
        self.version = 0
        self.cash: dict[str, Decimal] = {}
        self.positions: dict[str, Position] = {}
        self.fees: dict[str, Decimal] = {}
        self.marks: dict[str, Decimal] = {}
        self._instruments = instruments
        self._fills: dict[tuple[str, str, str], tuple[object, ...]] = {}
        self._equity: Decimal | None = None

    @classmethod
    def from_state(  # noqa: PLR0913 - one argument for each table it is restored from
        cls,
        portfolio_id: str,
        currency: str,
        instruments: Mapping[str, Instrument],
        *,
        version: int,
        cash: Mapping[str, Decimal],
        positions: Iterable[Position],
        fees: Mapping[str, Decimal],
        marks: Mapping[str, Decimal],
        fills: Iterable[Fill] = (),
        rates: Mapping[str, Decimal] | None = None,
    ) -> Self:
        """The ledger as it was stored.

        ``fees`` are totals by currency; ``fills`` are those whose redelivery is to be recognised. Nothing is booked
        and ``version`` stays as given.
        """
        ledger = cls(portfolio_id, currency, instruments, rates)
        ledger.version = version
        ledger.cash.update(cash)
        ledger.positions.update({position.instrument: position for position in positions})
        ledger.fees.update(fees)
        ledger.marks.update(marks)
        ledger._fills.update({fill.key: fill.numbers for fill in fills})
        return ledger

    def deposit(self, currency: str, amount: Decimal) -> None:
        """Add cash (a negative amount takes it out). Bumps ``version``."""
        self._add_cash(currency, amount)
        self.version += 1

    def apply_fill(self, fill: Fill) -> FillResult:
        """Book one execution and bump ``version``; the same trade again changes nothing.

        Raises :class:`IntegrityError` when the trade id is known with other numbers, the instrument is not registered,
        or the quantity is not positive.
        """
        known = self._fills.get(fill.key)
        if known is not None:
            return self._redelivered(fill, known)
        position = self._position(fill)
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        realized = position.apply(signed, fill.price)
        position.updated_ts = fill.ts
        self._add_cash(position.currency, -signed * fill.price)
        self._charge(fill, position)
        self.marks.setdefault(fill.instrument, fill.price)
        self._fills[fill.key] = fill.numbers
        self.version += 1
        return FillResult(applied=True, realized_pnl=realized, position=position, version=self.version)

    def is_known(self, fill: Fill) -> bool:
        """Whether a fill with this (venue, account, trade id) was booked, whatever its numbers."""
        return fill.key in self._fills

    def mark(self, instrument: str, price: Decimal) -> None:
        """Value ``instrument`` at ``price`` (its currency) from now on. Does not bump ``version``."""
        self.marks[instrument] = price
        self._equity = None

    def set_rate(self, currency: str, rate: Decimal) -> None:
        """Value one unit of ``currency`` at ``rate`` units of the portfolio's currency."""
        self.rates.set(currency, rate)
        self._equity = None

    def quantity(self, instrument: str) -> Decimal:
        """Signed position in base units; zero where there is none."""
        position = self.positions.get(instrument)
        return position.quantity if position is not None else ZERO

    @property
    def unmarked(self) -> tuple[str, ...]:
        """Instruments with an open position and no mark."""
        return tuple(key for key, held in self.positions.items() if held.quantity and key not in self.marks)

    def equity(self, currency: str | None = None) -> Decimal:
        """Cash plus positions at marks, in ``currency`` (the portfolio's by default). Raises ``MissingRateError``."""
        if self._equity is None:
            convert = self.rates.convert
            total = sum((convert(amount, name) for name, amount in self.cash.items()), ZERO)
            for position in self.positions.values():
                if position.quantity:
                    total += convert(position.quantity * self.mark_of(position), position.currency)
            self._equity = total
        return self._equity if currency is None else self.rates.convert(self._equity, self.currency, currency)

    def mark_of(self, position: Position) -> Decimal:
        """The price a position is valued at: its mark, or its average price while it has none."""
        return self.marks.get(position.instrument, position.average_price)

    def notional(self, instrument: str, quantity: Decimal, price: Decimal | None = None) -> Decimal:
        """``quantity`` at ``price`` (the mark by default), in the portfolio's currency.

        Raises ``NotFoundError`` when the instrument or its mark is not known, ``MissingRateError`` without a rate.
        """
        known = self._instruments.get(instrument)
        at = self.marks.get(instrument) if price is None else price
        if known is None or at is None:
            raise NotFoundError(
                f"{instrument} has no {'mark' if known else 'registration'}, so it cannot be valued",
                hint="Wait for its market data, or register the instrument.",
            )
        return self.rates.convert(quantity * at, known.currency)

    def realized_pnl(self) -> Decimal:
        """Realised profit of all positions before fees, in the portfolio's currency at present rates."""
        convert = self.rates.convert
        return sum((convert(held.realized_pnl, held.currency) for held in self.positions.values()), ZERO)

    def unrealized_pnl(self) -> Decimal:
        """Profit of all open positions at marks before fees, in the portfolio's currency at present rates."""
        convert = self.rates.convert
        held = self.positions.values()
        return sum((convert(item.unrealized_pnl(self.mark_of(item)), item.currency) for item in held), ZERO)

    def total_fees(self) -> Decimal:
        """All fees paid, in the portfolio's currency at present rates."""
        return sum((self.rates.convert(amount, name) for name, amount in self.fees.items()), ZERO)

    def view(
        self, ts: int, *, event_id: str, occurred_at: int, session: str = "", trace_id: str = ""
    ) -> PortfolioUpdated:
        """The whole state as the event that tells it; ``ts`` is market time, ``occurred_at`` wall time (UTC ns)."""
        return PortfolioUpdated(
            event_id=event_id,
            occurred_at=occurred_at,
            trace_id=trace_id,
            portfolio_id=self.portfolio_id,
            version=self.version,
            ts=ts,
            currency=self.currency,
            cash=dict(self.cash),
            positions=tuple(self._position_view(position) for position in self.positions.values()),
            equity=self.equity(),
            realized_pnl=self.realized_pnl(),
            unrealized_pnl=self.unrealized_pnl(),
            fees=self.total_fees(),
            session=session,
        )

    def _position_view(self, position: Position) -> PositionView:
        mark = self.mark_of(position)
        return PositionView(
            instrument=position.instrument,
            quantity=position.quantity,
            average_price=position.average_price,
            mark=mark,
            realized_pnl=position.realized_pnl,
            unrealized_pnl=position.unrealized_pnl(mark),
            currency=position.currency,
        )

    def _redelivered(self, fill: Fill, known: tuple[object, ...]) -> FillResult:
        if known != fill.numbers:
            raise IntegrityError(
                f"trade {fill.trade_id} of {fill.venue}/{fill.account} came again with other numbers: "
                f"booked {known}, received {fill.numbers}",
                hint="Compare both with the venue's own record; the first one stays booked until a person decides.",
            )
        return FillResult(False, ZERO, self.positions[fill.instrument], self.version)

    def _position(self, fill: Fill) -> Position:
        if not (fill.quantity.is_finite() and fill.quantity > ZERO and fill.price.is_finite()):
            raise IntegrityError(
                f"trade {fill.trade_id} has quantity {fill.quantity} at price {fill.price}",
                hint="A fill needs a positive quantity and a finite price: check the venue's adapter.",
            )
        position = self.positions.get(fill.instrument)
        if position is None:
            instrument = self._instruments.get(fill.instrument)
            if instrument is None:
                raise IntegrityError(
                    f"trade {fill.trade_id} is in {fill.instrument}, which is not registered",
                    hint="Register the instrument; its currency is needed to book the trade.",
                )
            position = self.positions[fill.instrument] = Position(fill.instrument, instrument.currency)
        return position

    def _charge(self, fill: Fill, position: Position) -> None:
        if not fill.fee:
            return
        self.fees[fill.fee_currency] = self.fees.get(fill.fee_currency, ZERO) + fill.fee
        self._add_cash(fill.fee_currency, -fill.fee)
        if fill.fee_currency == position.currency:
            position.fees += fill.fee

    def _add_cash(self, currency: str, amount: Decimal) -> None:
        self.cash[currency] = self.cash.get(currency, ZERO) + amount
        self._equity = None
