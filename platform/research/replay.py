"""Replay in one process: the strategy's host over the real trading core and paper book, bar by bar, in lock step."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec
import numpy as np

from ..contracts.clock import ManualClock
from ..contracts.events import (
    AnyIntent,
    Bar,
    BarOpened,
    Event,
    MarketEvent,
    OrderFilled,
    OrderUpdated,
    PortfolioUpdated,
    TradeRejected,
    Watermark,
)
from ..execution.in_process import InProcessTrading, paper_account
from ..risk.limits import RiskLimits, paper_defaults
from ..risk.view import DeploymentState
from ..sdk.bars import FIELDS, prices
from ..sdk.host import HostConfig, StrategyHost
from ..sdk.portfolio import PortfolioView
from ..sdk.strategy import Strategy
from .candles import Candles
from .costs import Costs
from .equity import Curves, curves
from .indicators import BySlice
from .orders import Execution, OrderLine
from .result import Rejection

NAME = "backtest"


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """Orders in the order of their decisions, every execution, curves, what was refused, and what was shown."""

    orders: list[OrderLine]
    executions: list[Execution]
    curves: Curves
    rejections: list[Rejection]
    shown: BySlice


def run_replay(
    strategy: Strategy, candles: Candles, costs: Costs, capital: Decimal, limits: RiskLimits | None = None
) -> ReplayOutcome:
    """Replay ``strategy`` over ``candles``; ``limits`` are by default those of a new paper deployment."""
    replay = _Replay(strategy, candles, costs, capital, limits or paper_defaults(capital))
    played = slices(candles)
    replay.warm_up(itertools.islice(played, candles.first))
    for row, slice_ in enumerate(played):
        replay.step(row, slice_)
    record = replay.record
    path = curves(record.executions, candles.traded, float(capital))
    return ReplayOutcome(record.orders(), record.executions, path, record.rejections, replay.shown)


def slices(candles: Candles) -> Iterator[list[Bar]]:
    """The bars of each row as a feed would publish them; prices as exact decimals of the floats."""
    values = np.stack([candles.field(name) for name in FIELDS], axis=2)
    for row, opened in enumerate(candles.open_times.tolist()):
        present = np.flatnonzero(candles.has_bar[row])
        yield [_bar(candles, int(column), opened, row, values[row, column].tolist()) for column in present]


def _bar(candles: Candles, column: int, opened: int, row: int, values: list[float]) -> Bar:
    closed = opened + candles.length
    return Bar(
        event_id="",
        occurred_at=closed,
        instrument=candles.keys[column],
        ts=closed,
        session=NAME,
        sequence=3 * row + 1,
        timeframe=candles.timeframe,
        open_time=opened,
        **prices(values),
    )


class _Replay:
    """One deployment on a market-time session of its own."""

    def __init__(
        self, strategy: Strategy, candles: Candles, costs: Costs, capital: Decimal, limits: RiskLimits
    ) -> None:
        instruments = tuple(
            msgspec.structs.replace(
                instrument,
                fee_rate=costs.fee_rate(instrument),
                maker_fee_rate=instrument.maker_fee_rate if costs.fees is None else costs.fees,
            )
            for instrument in candles.instruments
        )
        currency = instruments[0].currency
        config = HostConfig(
            deployment_id=NAME,
            portfolio_id=NAME,
            epoch=1,
            instruments=instruments,
            timeframe=candles.timeframe,
            session=NAME,
        )
        deployment = DeploymentState(
            deployment_id=NAME,
            portfolio_id=NAME,
            session=NAME,
            epoch=1,
            instruments=frozenset(candles.keys),
            limits=limits,
        )
        state = paper_account(instruments, deployment, capital=capital, currency=currency)
        self._trading = InProcessTrading(state, slippage_bps=costs.slippage_bps)
        self._clock = ManualClock()
        self._host = StrategyHost(strategy, config, self._clock)
        self._view = PortfolioView.of(self._trading.portfolio(NAME))
        self.record = _Record(self._trading)
        self.shown = BySlice()

    def warm_up(self, history: Iterable[list[Bar]]) -> None:
        """Bars before the first slice."""
        self._host.preload(bar for slice_ in history for bar in slice_)

    def step(self, row: int, bars: list[Bar]) -> None:
        """One slice: opens, bars, watermarks, decision, intents."""
        self.record.row = row
        for event in _as_published(bars, self._host.config):
            self._take(self._trading.market(event))
        for bar in bars:
            self._host.on_bar(bar)
        ts = bars[0].ts
        self._clock.set(ts)
        for intent in self._host.decide(ts, self._view):
            self.record.intent(intent)
            self._take(self._trading.intent(intent))
        self.shown.slices.append(self._host.shown())

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            self.record.take(event)
            match event:
                case OrderFilled():
                    self._view.fill(event)
                    self._host.on_fill(event)
                case OrderUpdated():
                    self._host.on_order(event)
                case TradeRejected():
                    self._host.on_rejected(event)
                case PortfolioUpdated():
                    self._view.apply(event)
                case _:
                    pass


def _as_published(bars: list[Bar], config: HostConfig) -> Iterator[MarketEvent]:
    """Opens, bars, then a watermark for every instrument, with the sequences of :func:`slices`."""
    for bar in bars:
        yield BarOpened(
            event_id="",
            occurred_at=bar.open_time,
            instrument=bar.instrument,
            ts=bar.open_time,
            session=bar.session,
            sequence=bar.sequence - 1,
            timeframe=bar.timeframe,
            open=bar.open,
        )
    yield from bars
    for instrument in config.instruments:
        yield Watermark(
            event_id="",
            occurred_at=bars[0].ts,
            instrument=instrument.key,
            ts=bars[0].ts,
            session=NAME,
            sequence=bars[0].sequence + 1,
            timeframe=config.timeframe,
        )


class _Record:
    """What happened, order by order. ``row`` is the frame row being played."""

    def __init__(self, trading: InProcessTrading) -> None:
        self.row = 0
        self.executions: list[Execution] = []
        self.rejections: list[Rejection] = []
        self._trading = trading
        self._decided: dict[str, int] = {}
        self._orders: dict[str, OrderLine] = {}

    def orders(self) -> list[OrderLine]:
        return sorted(self._orders.values(), key=lambda order: order.decided_at)

    def intent(self, intent: AnyIntent) -> None:
        self._decided[intent.intent_id] = intent.decided_at

    def take(self, event: Event) -> None:
        match event:
            case OrderUpdated():
                self._update(event)
            case OrderFilled():
                self._fill(event)
            case TradeRejected():
                self.rejections.append(
                    Rejection(
                        decided_at=self._decided.get(event.intent_id, event.ts),
                        instrument=event.instrument,
                        code=event.code.value,
                        message=event.message,
                    )
                )
            case _:
                pass

    def _update(self, update: OrderUpdated) -> None:
        known = self._orders.get(update.order_id)
        status = update.state.value if update.state.terminal else "open"
        if known is not None:
            self._orders[update.order_id] = replace(known, status=status)
            return
        order = self._trading.core.state.orders.get(update.order_id)
        self._orders[update.order_id] = OrderLine(
            decided_at=order.decided_at if order is not None else update.ts,
            instrument=update.instrument,
            side=update.side,
            quantity=update.quantity,
            order_type=update.order_type,
            leg=update.leg,
            status=status,
        )

    def _fill(self, fill: OrderFilled) -> None:
        line = self._orders[fill.order_id]
        self._orders[fill.order_id] = _filled(line, fill)
        signed = fill.side.sign * fill.quantity
        self.executions.append(
            Execution(
                ts=fill.ts, instrument=fill.instrument, quantity=signed, price=fill.price, fee=fill.fee, row=self.row
            )
        )


def _filled(line: OrderLine, fill: OrderFilled) -> OrderLine:
    """The order after one more fill; the price of several is their average."""
    filled, fee = line.filled + fill.quantity, (line.fee or Decimal(0)) + fill.fee
    price = fill.price
    if line.price is not None:
        price = (line.price * line.filled + fill.price * fill.quantity) / filled
    return replace(line, executed_at=fill.ts, filled=filled, price=price, fee=fee)
