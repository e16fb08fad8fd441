"""Market: candles in several time frames at once, with the trades and the indicators as their strategy saw them."""

from datetime import datetime, timedelta
from typing import Any

import panel as pn

from millstream.contracts.api.market import Candle, Instrument, Mark
from millstream.contracts.api.promotion import Deployment
from millstream.contracts.api.trading import Trade
from millstream.contracts.time import SECOND, timeframe_ns

from ..charts import Bars, Candles, Lines, Marker
from ..html import empty, figure, figures
from ..page import Page, card, pane, stack
from ..screen import Screen
from ..series import Line, by_name, localized, on_scale
from ..style import sheet

CANDLES = 300
TRADES = 200
POINTS = 1000
NO_DEPLOYMENT = ""


class Market(Page):
    """One instrument: its quote, a chart for each chosen time frame, and a panel for indicators off the price scale."""

    name = "market"
    topics = frozenset({"prices", "fills"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        style: dict[str, Any] = {"stylesheets": [sheet()], "margin": (4, 10, 4, 0), "width": 230}
        self._instrument = pn.widgets.Select(label=t("col.instrument"), options=[], **style)
        self._deployment = pn.widgets.Select(label=t("market.decisions_of"), options={t("market.nobody"): ""}, **style)
        self._frames = pn.widgets.CheckBoxGroup(options=[], inline=True, stylesheets=[sheet()], margin=(4, 10, 4, 0))
        self._frames_title = pane(f'<span class="note">{t("market.timeframes")}</span>')
        self._quote, self._nothing = pane(), pane()
        self._charts: dict[str, Candles] = {}
        self._cards: dict[str, pn.Column] = {}
        self._others = Lines(t("market.indicators"), dark=screen.dark, height=180)
        self._others_card = card(self._others.view, title=t("market.indicators"))
        self._others_card.visible = False
        self._grid = stack()
        self._instruments: list[Instrument] = []
        for widget in (self._instrument, self._deployment, self._frames):
            widget.param.watch(self._changed, "value")
        self._offering = False

    def view(self) -> pn.viewable.Viewable:
        controls = pn.layout.FlexBox(
            self._instrument, self._deployment, pn.Column(self._frames_title, self._frames), align_items="flex-start"
        )
        return stack(controls, self._quote, self._nothing, self._grid, self._others_card)

    async def load(self) -> None:
        self._instruments = await self.screen.items("list_instruments", limit=1000)
        self._offer()
        await self._draw()

    def _changed(self, event: Any) -> None:
        if self._offering:
            return
        if event.obj is not self._frames:
            self._offer()
        pn.state.execute(self._again)

    async def _again(self) -> None:
        await self.screen.attempt(self._draw)

    def _offer(self) -> None:
        """Keep the choices in step with what exists; what was chosen stays where it can."""
        self._offering = True
        try:
            deployments = self.screen.selection.of(self.screen.deployments)
            keys = [one.key for one in self._instruments]
            traded = [name for one in deployments for name in one.instruments if name in keys]
            chosen = self._instrument.value if self._instrument.value in keys else next(iter([*traded, *keys]), None)
            self._instrument.param.update(options=keys, value=chosen)
            names = [one.deployment for one in deployments if chosen in one.instruments]
            offered = {self.t("market.nobody"): NO_DEPLOYMENT} | {name: name for name in names}
            if self._deployment.options != offered:
                kept = self._deployment.value if self._deployment.value in names else (names or [NO_DEPLOYMENT])[0]
                self._deployment.param.update(options=offered, value=kept)
            self._offer_frames(chosen)
        finally:
            self._offering = False

    def _offer_frames(self, instrument: str | None) -> None:
        found = next((one for one in self._instruments if one.key == instrument), None)
        frames = sorted(found.timeframes, key=timeframe_ns) if found else []
        if self._frames.options == frames:
            return
        deployment = self._decider()
        preferred = deployment.timeframe if deployment and deployment.timeframe in frames else (frames or [""])[0]
        kept = [frame for frame in self._frames.value if frame in frames] or [frame for frame in [preferred] if frame]
        self._frames.param.update(options=frames, value=kept)

    def _decider(self) -> Deployment | None:
        return next((d for d in self.screen.deployments if d.deployment == self._deployment.value), None)

    async def _draw(self) -> None:
        instrument = self._instrument.value
        self._nothing.object = "" if instrument else empty(
            self.t("market.none"), self.t("market.none_next"), "./instruments"
        )  # fmt: skip
        if not instrument:
            self._grid.objects = []
            return
        decider = self._decider()
        self._quote.object = await self._marks(instrument, decider)
        trades = await self._trades(instrument, decider)
        frames = list(self._frames.value)
        for frame in frames:
            if frame not in self._charts:
                self._charts[frame] = Candles(
                    f"{instrument} {frame}", (self.t("side.buy"), self.t("side.sell")), dark=self.screen.dark
                )
                self._cards[frame] = card(self._charts[frame].view, title=frame)
        wanted = [self._cards[frame] for frame in frames]
        if list(self._grid.objects) != wanted:
            self._grid.objects = wanted
        for frame in frames:
            await self._chart(frame, instrument, decider, trades)

    async def _marks(self, instrument: str, decider: Deployment | None) -> str:
        t, f = self.t, self.f
        marks: list[Mark] = await self.screen.items(
            "list_marks", session=decider.session if decider else "", limit=1000
        )
        mark = next((one for one in marks if one.instrument == instrument), None)
        if mark is None:
            return ""
        cards = [figure(t("market.last"), f.price(mark.price), f.moment(mark.time))]
        if mark.bid is not None and mark.ask is not None:
            cards += [
                figure(t("market.bid"), f.price(mark.bid)),
                figure(t("market.ask"), f.price(mark.ask)),
                figure(
                    t("market.spread"),
                    f.price(mark.ask - mark.bid),
                    f.percent(float((mark.ask - mark.bid) / mark.price), 3),
                ),
            ]
        return figures(cards)

    async def _trades(self, instrument: str, decider: Deployment | None) -> list[Trade]:
        if decider is None:
            return []
        return await self.screen.items(
            "list_trades", deployment=decider.deployment, instrument=instrument, limit=TRADES
        )

    async def _chart(self, frame: str, instrument: str, decider: Deployment | None, trades: list[Trade]) -> None:
        step = timedelta(seconds=timeframe_ns(frame) / SECOND)
        last = decider.last_slice if decider and decider.session else None
        # A replay's chart ends where its market stands, not where the stored candles do.
        period = {"start": last - CANDLES * step, "end": last} if last else {}
        candles: list[Candle] = await self.screen.items(
            "list_candles", instrument=instrument, timeframe=frame, limit=CANDLES, **period
        )
        start = candles[0].time if candles else None
        lines = await self._indicators(instrument, decider, start, last)
        local = self.f.local
        inside = {name: localized(line, local) for name, line in lines.items() if on_scale(line, candles)}
        if decider is None or frame == decider.timeframe:
            rest = {name: localized(line, local) for name, line in lines.items() if name not in inside}
            self._others_card.visible = bool(rest)
            self._others.show(rest)
        bought, sold = self._markers([t for t in trades if start and t.opened_at >= start])
        self._charts[frame].show(self._bars(candles, step), bought, sold, inside)

    async def _indicators(
        self, instrument: str, decider: Deployment | None, start: datetime | None, end: datetime | None
    ) -> dict[str, Line]:
        if decider is None or start is None:
            return {}
        points = await self.screen.items(
            "list_indicators", deployment=decider.deployment, instrument=instrument, start=start, end=end, limit=POINTS
        )
        return by_name(points)

    def _bars(self, candles: list[Candle], step: timedelta) -> Bars:
        # A candle's body spans its time: its middle is half a step after its open.
        return Bars(
            [self.f.local(one.time) + step / 2 for one in candles], [one.open for one in candles],
            [one.high for one in candles], [one.low for one in candles], [one.close for one in candles],
            step.total_seconds() * 1000,
        )  # fmt: skip

    def _markers(self, trades: list[Trade]) -> tuple[list[Marker], list[Marker]]:
        bought: list[Marker] = []
        sold: list[Marker] = []
        for trade in trades:
            entry, leave = (bought, sold) if trade.side == "buy" else (sold, bought)
            entry.append(
                self._marker(trade, trade.opened_at, float(trade.entry_price), "market.entry", trade.indicators)
            )
            if trade.closed_at and trade.exit_price is not None:
                price = float(trade.exit_price)
                leave.append(self._marker(trade, trade.closed_at, price, "market.exit", trade.exit_indicators))
        return bought, sold

    def _marker(self, trade: Trade, time: datetime, price: float, key: str, values: dict[str, float]) -> Marker:
        f = self.f
        seen = "  ".join(f"{name} {f.price(value)}" for name, value in values.items())
        text = f"{self.t(key)} {f.quantity(trade.quantity)} @ {f.price(price)} · {f.moment(time)} {seen}"
        return Marker(f.local(time), price, text)
