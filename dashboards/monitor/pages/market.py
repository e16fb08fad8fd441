"""Market: candles in several time frames at once, with the trades and the indicators as their strategy saw them."""

from datetime import datetime
from typing import Any, NamedTuple

import panel as pn

from millstream.contracts.api.market import Candle, Instrument, Mark, Session
from millstream.contracts.api.promotion import Deployment
from millstream.contracts.api.trading import Fill, Trade
from millstream.contracts.time import timeframe_ns

from .. import market_html
from ..charts import Lines
from ..market_chart import FrameChart
from ..page import Page, card, pane, row, stack
from ..screen import Screen
from ..selection import Selection
from ..series import Line, by_name, localized, on_scale
from ..style import sheet

CANDLES = 300
TRADES = 200
POINTS = 1000
NOBODY = ""


class Market(Page):
    """One instrument: its quote, a chart for each chosen time frame, and a panel for indicators off the price scale.

    It begins with what the selected strategies traded last.
    """

    name = "market"
    topics = frozenset({"prices", "fills"})
    pause = 1.0

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        t = self.t
        style: dict[str, Any] = {"stylesheets": [sheet()], "margin": (4, 10, 4, 0), "width": 230}
        self._instrument = pn.widgets.Select(label=t("col.instrument"), options=[], **style)
        self._deployment = pn.widgets.Select(
            label=t("market.decisions_of"), options={t("market.nobody"): NOBODY}, **style
        )
        self._frames = pn.widgets.CheckBoxGroup(options=[], inline=True, stylesheets=[sheet()], margin=(4, 10, 4, 0))
        self._quote, self._nothing = pane(), pane()
        self._shown: tuple[str, str] = ("", "")
        self._charts: dict[str, FrameChart] = {}
        self._others = Lines(t("market.indicators"), self.f, dark=screen.dark, height=180, most=4)
        self._others_card = card(self._others.view, title=t("market.indicators"))
        self._others_card.visible = False
        self._grid = stack()
        self._chosen_for: tuple[Selection, str] | None = None
        self._offering = False
        for widget in (self._instrument, self._deployment, self._frames):
            widget.param.watch(self._changed, "value")

    def view(self) -> pn.viewable.Viewable:
        title = pane(f'<span class="note">{self.t("market.timeframes")}</span>')
        title.sizing_mode = None
        controls = row(self._instrument, self._deployment, pn.Column(title, self._frames, margin=0))
        return stack(controls, self._quote, self._nothing, self._grid, self._others_card)

    async def load(self) -> None:
        await self.screen.learn()
        await self._choose()
        await self._draw()

    def _changed(self, _event: Any) -> None:
        if not self._offering:
            pn.state.execute(self.again)

    async def _choose(self) -> None:
        """Keep the choices in step with what exists; what was chosen stays where it can."""
        screen, keys = self.screen, [one.key for one in self.screen.instruments]
        instrument, before = self._instrument.value or "", self._chosen_for
        if instrument not in keys or before is None or before[0] != screen.selection:
            instrument = await self._traded(keys)
        deployments = screen.selection.of(screen.deployments)
        names = [one.deployment for one in deployments if instrument in one.instruments]
        decider = self._deployment.value
        if before != (screen.selection, instrument) or decider not in {NOBODY, *names}:
            decider = await self._decided(instrument, names)
        self._chosen_for = screen.selection, instrument
        self._offer(keys, instrument, names, decider)

    async def _traded(self, keys: list[str]) -> str:
        """What the selected strategies traded last, else an instrument of theirs with candles, else any with some."""
        screen = self.screen
        fills: list[Fill] = await screen.items("list_fills", limit=1, **screen.selection.filters())
        theirs = {name for one in screen.selection.of(screen.deployments) for name in one.instruments}
        charted = [one.key for one in screen.instruments if one.timeframes]
        wanted = [fill.instrument for fill in fills] + [key for key in charted if key in theirs] + charted + keys
        return next((key for key in wanted if key in keys), "")

    async def _decided(self, instrument: str, names: list[str]) -> str:
        """Whose decisions to show with an instrument: of the one that traded it last, else of any that may."""
        if not names:
            return NOBODY
        fills: list[Fill] = await self.screen.items("list_fills", limit=1, instrument=instrument, deployment=names)
        return next((fill.deployment for fill in fills if fill.deployment in names), names[0])

    def _offer(self, keys: list[str], instrument: str, names: list[str], decider: str) -> None:
        self._offering = True
        try:
            if self._instrument.options != keys or self._instrument.value != instrument:
                self._instrument.param.update(options=keys, value=instrument or None)
            offered = {self.t("market.nobody"): NOBODY} | {name: name for name in names}
            if self._deployment.options != offered or self._deployment.value != decider:
                self._deployment.param.update(options=offered, value=decider)
            self._offer_frames(instrument)
        finally:
            self._offering = False

    def _offer_frames(self, instrument: str) -> None:
        found = self._registered(instrument)
        frames = sorted(found.timeframes, key=timeframe_ns) if found else []
        if self._frames.options == frames:
            return
        decider = self._decider()
        preferred = decider.timeframe if decider and decider.timeframe in frames else (frames or [""])[0]
        kept = [frame for frame in self._frames.value if frame in frames] or [frame for frame in [preferred] if frame]
        self._frames.param.update(options=frames, value=kept)

    def _registered(self, instrument: str) -> Instrument | None:
        return next((one for one in self.screen.instruments if one.key == instrument), None)

    def _decider(self) -> Deployment | None:
        return next((d for d in self.screen.deployments if d.deployment == self._deployment.value), None)

    async def _draw(self) -> None:
        instrument, decider, frames = self._instrument.value or "", self._decider(), list(self._frames.value)
        found = self._registered(instrument)
        self._nothing.object = self._why_no_chart(found, frames)
        market = await self._market(found, decider)
        mark = await self._mark(instrument, market.session if market else "")
        self._quote.object = market_html.quote(self.t, self.f, mark) if mark else ""
        shown = instrument, decider.deployment if decider else NOBODY
        if shown != self._shown:
            self._shown, self._charts = shown, {}
        charts = self._charts
        if not frames:
            self._others_card.visible = False
        trades = await self._trades(instrument, decider) if frames else []
        for frame in frames:
            chart = charts.setdefault(frame, FrameChart(self.screen, instrument, frame))
            await self._chart(chart, frame, instrument, decider, _standing(market, mark), trades)
        wanted = [charts[frame].view for frame in frames]
        if charts is self._charts and list(self._grid.objects) != wanted:
            self._grid.objects = wanted

    def _why_no_chart(self, found: Instrument | None, frames: list[str]) -> str:
        if found is None:
            return market_html.no_instrument(self.t)
        if not found.timeframes:
            return market_html.no_candles(self.t, found.key)
        return "" if frames else market_html.no_frame(self.t)

    async def _market(self, found: Instrument | None, decider: Deployment | None) -> Session | None:
        """The market that is looked at: the decider's, else one that carries the instrument now; None: none does."""
        sessions: list[Session] = await self.screen.every("list_market_sessions")
        carrying = found.sessions if found else ()
        wanted = decider.session if decider else next(iter(sorted(carrying)), None)
        return next((one for one in sessions if one.session == wanted), None)

    async def _mark(self, instrument: str, session: str) -> Mark | None:
        marks: list[Mark] = await self.screen.every("list_marks", session=session)
        return next((one for one in marks if one.instrument == instrument), None)

    async def _trades(self, instrument: str, decider: Deployment | None) -> list[Trade]:
        if decider is None:
            return []
        return await self.screen.items(
            "list_trades", deployment=decider.deployment, instrument=instrument, limit=TRADES
        )

    async def _chart(
        self, chart: FrameChart, frame: str, instrument: str, decider: Deployment | None, at: "_Standing",
        trades: list[Trade],
    ) -> None:  # fmt: skip
        candles: list[Candle] = []
        if not at.replay or at.time is not None:
            end = {"end": at.time} if at.time else {}
            candles = await self.screen.items(
                "list_candles", instrument=instrument, timeframe=frame, limit=CANDLES, **end
            )
        if not candles:
            chart.nothing(market_html.not_yet(self.t, at.replay, self.f.moment(at.time)))
            return
        lines = await self._indicators(instrument, decider, candles[0].time, at.time)
        inside = {name: line for name, line in lines.items() if on_scale(line, candles)}
        local = self.f.local
        if decider is None or frame == decider.timeframe:
            rest = {name: localized(line, local) for name, line in lines.items() if name not in inside}
            self._others_card.visible = bool(rest)
            self._others.show(rest)
        chart.show(candles, trades, {name: localized(line, local) for name, line in inside.items()})

    async def _indicators(
        self, instrument: str, decider: Deployment | None, start: datetime, end: datetime | None
    ) -> dict[str, Line]:
        if decider is None:
            return {}
        points = await self.screen.items(
            "list_indicators", deployment=decider.deployment, instrument=instrument, start=start, end=end, limit=POINTS
        )
        return by_name(points)


class _Standing(NamedTuple):
    """Where a replay stands: its chart ends there, not where the stored candles do. A live market has no end."""

    replay: str
    time: datetime | None


def _standing(market: Session | None, mark: Mark | None) -> _Standing:
    if market is None or not market.session:
        return _Standing("", None)
    # A market writes its position now and then; its newest price may be of later.
    known = [time for time in (market.position, mark.time if mark else None) if time is not None]
    return _Standing(market.session, max(known, default=None))
