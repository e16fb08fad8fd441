"""``StrategyHost``: drives one strategy over slices of the market. Pure: the same class in replay, paper and live."""

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import groupby

from ..contracts.clock import Clock
from ..contracts.events import AnyIntent, Bar, CancelIntent, OrderFilled, OrderUpdated, Quote, Trade, TradeRejected
from .bars import BarFrame
from .config import HostConfig
from .context import Context
from .desk import Desk, protection_of
from .portfolio import PortfolioView
from .recovery import FillsInOrder, Past
from .shown import Showcase, Values
from .sizing import exposure_of
from .strategy import Kind, Strategy
from .symbols import labels
from .targets import Floats, target_values
from .views import BarView, FillView, QuoteView, TradeView, moment

HISTORY_LIMIT = 20_000

FillKey = tuple[str, str, str]

__all__ = ["HISTORY_LIMIT", "HostConfig", "Past", "StrategyHost"]


def fill_key(fill: OrderFilled) -> FillKey:
    """What makes a fill unique."""
    return fill.venue, fill.account, fill.trade_id


class StrategyHost:
    """One strategy, its bars and its working orders; makes intents with deterministic ids.

    Feed it what the market and the trading service say (``on_…``) and ask it to ``decide`` when a slice is complete.
    Times are UTC nanoseconds on the session's clock. An exception of the strategy passes through unchanged.
    """

    def __init__(self, strategy: Strategy, config: HostConfig, clock: Clock) -> None:
        self.strategy = strategy
        self.config = config
        keys = [instrument.key for instrument in config.instruments]
        self._labels = dict(zip(keys, labels(keys), strict=True))
        self._desk = Desk(config, clock, protection_of(strategy.stop_loss, strategy.take_profit))
        self._bars = BarFrame(keys, tuple(self._labels.values()), limit=HISTORY_LIMIT)
        self._context = Context(self._desk, tuple(self._labels.values()), self._bars.frame)
        self._showcase = Showcase()
        strategy.watch(self._showcase)
        self._fresh: list[Bar] = []
        self._pending: list[Bar] = []
        self._fills: list[OrderFilled] = []
        self._told: set[FillKey] = set()
        self._counted: set[FillKey] = set()
        self._newest = 0
        self._watermarks = dict.fromkeys(keys, 0)
        self._slices: list[int] = []
        self._own_rows: dict[str, tuple[int, int]] = {}
        self._first_row: int | None = None
        self._started = False

    @property
    def context(self) -> Context:
        """What the strategy's event methods are given."""
        return self._context

    @property
    def bars(self) -> BarFrame:
        """The bars seen up to the last decision."""
        return self._bars

    def preload(self, history: Iterable[Bar]) -> None:
        """Warm-up bars in any order: part of every frame, but nothing is decided on them."""
        for bar in history:
            self.on_bar(bar)
        self._absorb(max((bar.ts for bar in self._pending), default=0))

    def on_bar(self, bar: Bar) -> None:
        """A closed bar; it joins the frame at the next decision. Redelivered and foreign ones are dropped."""
        ours = bar.instrument in self._labels and bar.timeframe == self.config.timeframe
        if ours and bar.ts > self._newest:
            insort(self._pending, bar, key=lambda known: known.ts)

    def on_quote(self, quote: Quote, portfolio: PortfolioView) -> list[AnyIntent]:
        """What the strategy's ``on_quote`` asks for, at once; nothing when the strategy has none."""
        view = QuoteView.of(quote, self._labels.get(quote.instrument, ""))
        return self._tick("on_quote", quote, view, portfolio)

    def on_trade(self, trade: Trade, portfolio: PortfolioView) -> list[AnyIntent]:
        """What the strategy's ``on_trade`` asks for, at once; nothing when the strategy has none."""
        view = TradeView.of(trade, self._labels.get(trade.instrument, ""))
        return self._tick("on_trade", trade, view, portfolio)

    def on_fill(self, fill: OrderFilled) -> None:
        """A fill of this deployment. ``Strategy.on_fill`` sees it before the next event, so that runs can be repeated.

        Give every fill of the portfolio to ``PortfolioView.fill`` as well; a redelivered one changes nothing.
        """
        key = fill_key(fill)
        if fill.deployment_id != self.config.deployment_id or key in self._told:
            return
        self._told.add(key)
        self._fills.append(fill)
        if key not in self._counted:
            self._desk.book.fill(fill)

    def on_order(self, update: OrderUpdated) -> None:
        """The state of an order of this deployment."""
        if update.deployment_id == self.config.deployment_id:
            self._desk.book.update(update)

    def on_rejected(self, rejection: TradeRejected) -> None:
        """An intent of this deployment was rejected: it is not working any more."""
        self._desk.book.reject(rejection.intent_id)

    def on_watermark(self, ts: int, instrument: str) -> tuple[int, ...]:
        """Close times of the slices that are complete now, oldest first: call :meth:`decide` for each.

        A slice is complete when all instruments have a watermark at its close time or later.
        """
        if instrument not in self._watermarks or ts <= self._watermarks[instrument]:
            return ()
        self._watermarks[instrument] = ts
        position = bisect_right(self._slices, ts)
        if position == 0 or self._slices[position - 1] != ts:
            self._slices.insert(position, ts)
        complete = bisect_right(self._slices, min(self._watermarks.values()))
        done, self._slices = self._slices[:complete], self._slices[complete:]
        return tuple(done)

    def decide(self, ts: int, portfolio: PortfolioView) -> list[AnyIntent]:
        """What the strategy wants at the close of slice ``ts``, as intents in the order of the instruments.

        ``portfolio`` must have reached the versions that the slice's watermarks name.
        """
        fresh = self._fresh = self._absorb(ts)
        self._showcase.clear()
        if self._first_row is None:
            self._first_row = self._bars.rows - bool(fresh)
        self._desk.open(ts, portfolio)
        if self.strategy.kind is Kind.EVENTS:
            self._tell(fresh)
        elif fresh:
            self._rebalance(fresh)
        return self._desk.close()

    def shown(self) -> Values:
        """What the strategy showed in its last decision, at the bars that closed with that slice."""
        return self._showcase.values(
            {bar.instrument: (self._labels[bar.instrument], moment(bar.open_time)) for bar in self._fresh}
        )

    def stop(self, ts: int, portfolio: PortfolioView) -> list[AnyIntent]:
        """Tell the strategy (``on_stop``) that its runner ends; what it still asks for, such as cancels."""
        self._desk.open(ts, portfolio)
        if self._started:
            self.strategy.on_stop(self._context)
        return self._desk.close()

    def recover(self, past: Past) -> None:
        """Bring a fresh host to where the one before it stood after ``past.checkpoint_ts``, without emitting anything.

        An event-driven strategy is run again over its bars and fills; a vectorised one needs no more than its frame.
        Call it instead of :meth:`preload`, before anything else.
        """
        history = FillsInOrder(past)
        for ts, bars in past.slices():
            for bar in bars:
                self.on_bar(bar)
            decided = 0 < past.started_ts <= ts
            if decided and self.strategy.kind is Kind.EVENTS:
                self._relive(ts, past, history)
            else:
                self._absorb(ts)
            if decided and self._first_row is None:
                self._first_row = self._bars.rows - 1
        self._desk.book.keep_only(order for order in past.orders if order.decided_at <= past.checkpoint_ts)
        self._counted = {fill_key(fill) for fill in past.fills}
        self._watermarks = dict.fromkeys(self._watermarks, past.checkpoint_ts)

    def _relive(self, ts: int, past: Past, history: FillsInOrder) -> None:
        for fill in history.until(ts):
            past.initial.fill(fill)
            self.on_fill(fill)
        for intent, ended in past.ended.items():
            if ended <= ts:
                self._desk.book.reject(intent)
        for made in self.decide(ts, past.initial):
            if isinstance(made, CancelIntent):
                self._desk.book.reject(made.target_intent_id)

    def _absorb(self, ts: int) -> list[Bar]:
        """Move pending bars up to ``ts`` into the frame; the bars of the slice that closed at ``ts``."""
        cut = bisect_right(self._pending, ts, key=lambda bar: bar.ts)
        ready, self._pending = self._pending[:cut], self._pending[cut:]
        newest: list[Bar] = []
        self._newest = max(self._newest, ts)
        for close_time, group in groupby(ready, key=lambda bar: bar.ts):
            newest = list({bar.instrument: bar for bar in group}.values())
            self._append(newest)
            if close_time != ts:
                newest = []
        return sorted(newest, key=lambda bar: list(self._labels).index(bar.instrument))

    def _append(self, bars: list[Bar]) -> None:
        row = self._bars.append(bars[0].open_time, bars)
        for bar in bars:
            self._own_rows[bar.instrument] = (self._own_rows.get(bar.instrument, (-1, -1))[1], row)
            self._desk.closes[bar.instrument] = bar.close

    def _rebalance(self, fresh: list[Bar]) -> None:
        frame = self._bars.frame()
        name = type(self.strategy).__name__
        values = target_values(self.strategy.target(frame), frame, tuple(self._labels.values()), name)
        columns = {instrument: number for number, instrument in enumerate(self._labels)}
        for bar in fresh:
            column = values[:, columns[bar.instrument]]
            previous, current = (self._exposure(column, row) for row in self._own_rows[bar.instrument])
            if current != previous or self.strategy.rebalance == "always":
                self._desk.rebalance(bar.instrument, current)

    def _exposure(self, column: Floats, row: int) -> float:
        """The target at an absolute row; 0 before the first decision and beyond the frame."""
        shown = row - self._bars.offset
        return exposure_of(float(column[shown])) if row >= (self._first_row or 0) and shown >= 0 else 0.0

    def _tell(self, fresh: list[Bar]) -> None:
        self._begin()
        for bar in fresh:
            self._showcase.about = bar.instrument
            self.strategy.on_bar(self._context, BarView.of(bar, self._labels[bar.instrument]))

    def _begin(self) -> None:
        if not self._started:
            self._started = True
            self.strategy.on_start(self._context)
        fills, self._fills = self._fills, []
        for fill in fills:
            self.strategy.on_fill(self._context, FillView.of(fill, self._labels.get(fill.instrument, fill.instrument)))

    def _tick(
        self, method: str, event: Quote | Trade, view: QuoteView | TradeView, portfolio: PortfolioView
    ) -> list[AnyIntent]:
        listens: Callable[..., None] = getattr(self.strategy, method)
        if event.instrument not in self._labels or getattr(type(self.strategy), method) is getattr(Strategy, method):
            return []
        self._desk.closes[event.instrument] = _price(event)
        self._desk.open(event.ts, portfolio)
        self._begin()
        listens(self._context, view)
        return self._desk.close()


def _price(event: Quote | Trade) -> Decimal:
    return (event.bid + event.ask) / 2 if isinstance(event, Quote) else event.price
