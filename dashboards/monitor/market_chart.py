"""One time frame on the market page: its candles with trades and indicators, or why there are none."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from millstream.contracts.api.market import Candle
from millstream.contracts.api.trading import Trade
from millstream.contracts.time import SECOND, timeframe_ns

from .charts import Bars, Candles, Marker, Points
from .page import card, pane
from .screen import Screen


class FrameChart:
    """A card with the chart of one instrument in one time frame. The card is complete when it comes to the page."""

    def __init__(self, screen: Screen, instrument: str, frame: str) -> None:
        self._screen = screen
        self._instrument = instrument
        self._frame = frame
        self.step = timedelta(seconds=timeframe_ns(frame) / SECOND)
        self._chart: Candles | None = None
        self._why = pane()
        self.view = card(self._why, title=f"{instrument} · {frame}")

    def nothing(self, why: str) -> None:
        """There is nothing to draw: ``why``, as HTML."""
        self._why.object = why
        self._why.visible = True
        if self._chart is not None:
            self._chart.view.visible = False

    def show(self, candles: Sequence[Candle], trades: Iterable[Trade], lines: Mapping[str, Points]) -> None:
        """Draw candles, the trades among them, and the lines on their scale."""
        bought, sold = self._markers(trades, candles[0].time, candles[-1].time + self.step)
        chart = self._chart
        if chart is None:
            t, f = self._screen.t, self._screen.f
            digits = f.places(candles[-1].close, self._instrument)
            title = f"{self._instrument} {self._frame}"
            chart = Candles(title, (t("side.buy"), t("side.sell")), f, digits, dark=self._screen.dark)
        chart.show(self._bars(candles), bought, sold, lines)
        self._why.visible = False
        if self._chart is None:
            self._chart = chart
            self.view.append(chart.view)
        chart.view.visible = True

    def _bars(self, candles: Sequence[Candle]) -> Bars:
        # A candle's body spans its time: its middle is half a step after its open.
        return Bars(
            [self._screen.f.local(one.time) + self.step / 2 for one in candles], [one.open for one in candles],
            [one.high for one in candles], [one.low for one in candles], [one.close for one in candles],
            self.step.total_seconds() * 1000,
        )  # fmt: skip

    def _markers(self, trades: Iterable[Trade], start: datetime, end: datetime) -> tuple[list[Marker], list[Marker]]:
        bought: list[Marker] = []
        sold: list[Marker] = []
        for trade in trades:
            entry, leave = (bought, sold) if trade.side == "buy" else (sold, bought)
            if start <= trade.opened_at <= end:
                price = float(trade.entry_price)
                entry.append(self._marker(trade, trade.opened_at, price, "market.entry", trade.indicators))
            if trade.closed_at and start <= trade.closed_at <= end and trade.exit_price is not None:
                price = float(trade.exit_price)
                leave.append(self._marker(trade, trade.closed_at, price, "market.exit", trade.exit_indicators))
        return bought, sold

    def _marker(self, trade: Trade, time: datetime, price: float, key: str, values: dict[str, float]) -> Marker:
        t, f, instrument = self._screen.t, self._screen.f, self._instrument
        seen = "  ".join(f"{name} {f.price(value)}" for name, value in values.items())
        what = f"{f.quantity(trade.quantity, instrument)} @ {f.price(price, instrument)}"
        return Marker(f.local(time), price, f"{t(key)} {what} · {f.moment(time)} {seen}")
