"""A test kit for strategies: bars without a market, and a market without a venue.

``frame`` and ``bars`` build candles from closing prices; :class:`Bench` drives a strategy through
:class:`~millstream.sdk.host.StrategyHost` as a runner does, and fills its market orders at the next open.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from ..contracts.clock import ManualClock
from ..contracts.enums import Liquidity, OrderType, RejectCode, ScopeKind
from ..contracts.events import AnyIntent, Bar, CancelIntent, OrderFilled, OrderIntent, TradeRejected
from ..contracts.ids import digest
from ..contracts.instrument import Instrument
from ..contracts.money import ZERO, decimal
from ..contracts.time import timeframe_ns
from .bars import FIELDS, prices
from .host import HostConfig, StrategyHost
from .portfolio import PortfolioView
from .strategy import Strategy

FIRST_DAY = "2024-01-01"


def instrument(symbol: str = "AAPL", exchange: str = "TEST", **changes: object) -> Instrument:
    """An instrument in USD with a lot of 0.000001; ``changes`` are other fields of it."""
    return Instrument(**{"exchange": exchange, "symbol": symbol, "currency": "USD", **changes})  # type: ignore[arg-type]


def frame(closes: Sequence[float], *, start: str = FIRST_DAY, timeframe: str = "1d") -> pd.DataFrame:
    """Candles whose open is the close before, UTC open times from ``start``."""
    close = np.asarray(closes, dtype="float64")
    opened = np.concatenate([close[:1], close[:-1]])
    index = pd.date_range(start, periods=len(close), freq=pd.Timedelta(timeframe_ns(timeframe)), tz="UTC", unit="ns")
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    prices = {"open": opened, "high": high, "low": low, "close": close, "volume": np.full(len(close), 1000.0)}
    return pd.DataFrame(prices, index=index)


def bars(candles: pd.DataFrame, key: str, timeframe: str = "1d", *, session: str = "") -> list[Bar]:
    """The candles of one instrument (columns of ``FIELDS``, UTC open times) as the bar events a feed publishes."""
    length = timeframe_ns(timeframe)
    times = pd.DatetimeIndex(candles.index).as_unit("ns").asi8
    return [
        Bar(
            event_id=digest("bar", session, key, int(opened)),
            occurred_at=int(opened) + length,
            instrument=key,
            ts=int(opened) + length,
            session=session,
            sequence=number + 1,
            timeframe=timeframe,
            open_time=int(opened),
            **prices(row),
        )
        for number, (opened, row) in enumerate(
            zip(times, candles.loc[:, list(FIELDS)].to_numpy().tolist(), strict=True)
        )
    ]


class Bench:
    """Drives one strategy bar by bar: market orders fill at the instrument's next open, without fees.

    Limit and stop orders stay working until :meth:`fill` or :meth:`reject`. ``intents`` holds all that was asked for.
    """

    def __init__(
        self, strategy: Strategy, instruments: Sequence[Instrument], timeframe: str = "1d", capital: float = 100_000
    ) -> None:
        config = HostConfig(
            deployment_id="bench", portfolio_id="bench", epoch=1, instruments=tuple(instruments), timeframe=timeframe
        )
        self.clock = ManualClock()
        self.host = StrategyHost(strategy, config, self.clock)
        self.portfolio = PortfolioView("bench", instruments[0].currency, decimal(capital))
        self.intents: list[AnyIntent] = []
        self._open: dict[str, OrderIntent] = {}
        self._trades = 0

    @property
    def orders(self) -> list[OrderIntent]:
        """The orders asked for, without cancels."""
        return [intent for intent in self.intents if isinstance(intent, OrderIntent)]

    def run(self, candles: Mapping[str, pd.DataFrame]) -> "Bench":
        """Play candles (by instrument key) to the end and return the bench."""
        timeframe = self.host.config.timeframe
        events = sorted(
            (bar for key, table in candles.items() for bar in bars(table, key, timeframe)), key=lambda bar: bar.ts
        )
        for ts in dict.fromkeys(bar.ts for bar in events):
            self.step([bar for bar in events if bar.ts == ts])
        return self

    def step(self, slice_: Sequence[Bar]) -> list[AnyIntent]:
        """Play the bars of one slice: fills at their opens, then one decision at their close. What was asked for."""
        for bar in slice_:
            for intent in [order for order in self._open.values() if order.instrument == bar.instrument]:
                if intent.order_type is OrderType.MARKET:
                    self.fill(intent, bar.open, bar.open_time)
            self.host.on_bar(bar)
        ts = slice_[0].ts
        self.clock.set(ts)
        made = self.host.decide(ts, self.portfolio)
        self._take(made)
        return made

    def fill(self, intent: OrderIntent, price: Decimal, ts: int, quantity: Decimal = ZERO) -> OrderFilled:
        """Fill an order, wholly unless ``quantity`` says how much, and tell host and portfolio."""
        self._trades += 1
        fill = OrderFilled(
            event_id=digest("fill", self._trades),
            occurred_at=ts,
            trade_id=str(self._trades),
            venue="bench",
            account="bench",
            order_id=intent.intent_id,
            intent_id=intent.intent_id,
            deployment_id="bench",
            portfolio_id="bench",
            instrument=intent.instrument,
            side=intent.side,
            quantity=quantity or intent.quantity,
            price=price,
            fee=ZERO,
            fee_currency=self.portfolio.currency,
            liquidity=Liquidity.TAKER,
            ts=ts,
            portfolio_version=self._trades,
        )
        if not quantity or quantity == intent.quantity:
            self._open.pop(intent.intent_id, None)
        self.portfolio.fill(fill)
        self.host.on_fill(fill)
        return fill

    def reject(self, intent: OrderIntent, code: RejectCode = RejectCode.MAX_POSITION) -> None:
        """Reject an order as risk would."""
        self._open.pop(intent.intent_id, None)
        rejection = TradeRejected(
            event_id=digest("rejection", intent.intent_id),
            occurred_at=intent.decided_at,
            intent_id=intent.intent_id,
            deployment_id="bench",
            portfolio_id="bench",
            instrument=intent.instrument,
            code=code,
            stage=2,
            scope=ScopeKind.DEPLOYMENT,
            observed="",
            limit="",
            message="rejected by the test",
            ts=intent.decided_at,
        )
        self.host.on_rejected(rejection)

    def _take(self, made: Sequence[AnyIntent]) -> None:
        self.intents.extend(made)
        for intent in made:
            if isinstance(intent, CancelIntent):
                self._open.pop(intent.target_intent_id, None)
                self.host.on_rejected(_cancelled(intent))
            else:
                self._open[intent.intent_id] = intent


def _cancelled(intent: CancelIntent) -> TradeRejected:
    return TradeRejected(
        event_id=digest("cancelled", intent.intent_id),
        occurred_at=intent.decided_at,
        intent_id=intent.target_intent_id,
        deployment_id=intent.deployment_id,
        portfolio_id=intent.portfolio_id,
        instrument=intent.instrument,
        code=RejectCode.VENUE_REJECTED,
        stage=3,
        scope=ScopeKind.DEPLOYMENT,
        observed="",
        limit="",
        message="cancelled",
        ts=intent.decided_at,
    )
