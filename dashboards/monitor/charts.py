"""Charts: equity, drawdown, candles with trades and indicators. Times are the viewer's wall clock.

Every chart keeps its data in sources of its own and is updated by replacing them, thinned to what a screen can show.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import panel as pn
from bokeh.models import ColumnDataSource, DatetimeTickFormatter, HoverTool, NumeralTickFormatter
from bokeh.models.annotations import Legend
from bokeh.plotting import figure

LINES = {True: ("#6cb0ff", "#f0c04f", "#c39bff", "#4ccb8b", "#ff9d6c", "#8fd3e8"),
         False: ("#0b5cbd", "#8a5a00", "#6b3fa0", "#0a7543", "#b04a10", "#1d6f85")}  # fmt: skip
UP = {True: "#4ccb8b", False: "#0a7543"}
DOWN = {True: "#ff8a80", False: "#b9251c"}
INK = {True: ("#161d25", "#a3b1bf", "#2a3541"), False: ("#ffffff", "#4f5d6b", "#d7dee7")}
_TICKS = DatetimeTickFormatter(
    seconds="%H:%M:%S", minsec="%H:%M:%S", minutes="%H:%M", hourmin="%H:%M", hours="%H:%M", days="%Y-%m-%d",
    months="%Y-%m", years="%Y",
).properties_with_values(include_defaults=False)  # fmt: skip


def _figure(*, dark: bool, height: int, title: str, **options: Any) -> Any:
    """An empty chart; ``title`` is what screen readers get, the page shows it as a heading."""
    plot = figure(
        height=height, sizing_mode="stretch_width", x_axis_type="datetime", tools="xpan,xwheel_zoom,box_zoom,reset",
        active_drag="xpan", toolbar_location="right", name=title, **options,
    )  # fmt: skip
    surface, ink, line = INK[dark]
    plot.background_fill_color = plot.border_fill_color = surface
    plot.outline_line_color = line
    plot.grid.grid_line_color = line
    plot.grid.grid_line_alpha = 0.6
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.axis_line_color = axis.major_tick_line_color = line
        axis.minor_tick_line_color = None
        axis.major_label_text_color = ink
        axis.major_label_text_font_size = "11px"
    plot.xaxis.formatter = DatetimeTickFormatter(**_TICKS)
    _legend(plot, dark=dark)
    return plot


def locked(change: Callable[[], None]) -> None:
    """Make a change of a chart while this session's document is locked for it: at once, or as soon as it can be."""
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        change()
    else:
        document.add_next_tick_callback(change)


def themed(plot: Any) -> pn.pane.Bokeh:
    """The chart as a part of a page; its colours are set here, not by a theme."""
    return pn.pane.Bokeh(plot, sizing_mode="stretch_width", margin=0, theme=None)


def _legend(plot: Any, *, dark: bool) -> None:
    surface, ink, _ = INK[dark]
    plot.add_layout(
        Legend(
            orientation="horizontal", location="left", background_fill_color=surface, border_line_color=None,
            label_text_color=ink, label_text_font_size="11px", click_policy="hide", spacing=12, margin=2,
        ),
        "above",
    )  # fmt: skip


class Lines:
    """Several named lines over time."""

    def __init__(self, title: str, *, dark: bool, height: int = 260, percent: bool = False) -> None:
        self._dark = dark
        self.plot = _figure(dark=dark, height=height, title=title)
        self.plot.yaxis.formatter = NumeralTickFormatter(format="0.0%" if percent else "0,0.[00]")
        self._percent = percent
        self._sources: dict[str, ColumnDataSource] = {}
        shown = "@y{0.00%}" if percent else "@y{0,0.00}"
        self.plot.add_tools(HoverTool(tooltips=[("", "@x{%F %T}"), ("$name", shown)], formatters={"@x": "datetime"}))
        self.plot.line([], [])  # a chart without any line is a mistake to Bokeh
        self.view = themed(self.plot)

    def show(self, lines: Mapping[str, tuple[Sequence[datetime], Sequence[float]]]) -> None:
        """Show these lines; one that is gone becomes empty."""
        locked(partial(self._show, lines))

    def _show(self, lines: Mapping[str, tuple[Sequence[datetime], Sequence[float]]]) -> None:
        for name in self._sources.keys() - lines.keys():
            self._sources[name].data = {"x": [], "y": []}
        for name, (xs, ys) in lines.items():
            data: dict[str, Any] = {"x": list(xs), "y": list(ys)}
            if name in self._sources:
                if self._sources[name].data != data:
                    self._sources[name].data = data
                continue
            self._add(name, data)

    def _add(self, name: str, data: dict[str, Any]) -> None:
        colours = LINES[self._dark]
        source = self._sources[name] = ColumnDataSource(data)
        colour = colours[(len(self._sources) - 1) % len(colours)]
        # A dash pattern too, so that lines differ without colour.
        dash = ("solid", "dashed", "dotted", "dotdash")[(len(self._sources) - 1) // len(colours) % 4]
        if self._percent:
            self.plot.varea("x", 0, "y", source=source, fill_color=colour, fill_alpha=0.15)
        self.plot.line(
            "x", "y", source=source, line_width=2, line_color=colour, line_dash=dash, name=name, legend_label=name
        )


@dataclass(frozen=True, slots=True)
class Bars:
    """Candles as columns, times on the viewer's clock; ``width`` of a candle in milliseconds."""

    time: list[datetime]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    width: float


@dataclass(frozen=True, slots=True)
class Marker:
    """A trade on the chart: where, at which price, and what to read about it."""

    time: datetime
    price: float
    text: str


class Candles:
    """Candles of one time frame, with entries and exits, and the indicators as their strategy saw them."""

    def __init__(self, title: str, labels: tuple[str, str], *, dark: bool, height: int = 380) -> None:
        self._dark = dark
        self.plot = _figure(dark=dark, height=height, title=title)
        self.plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[0000]")
        names = ("time", "open", "high", "low", "close", "colour", "fill", "top", "bottom")
        self._bars = ColumnDataSource({name: [] for name in names})
        self._bought = ColumnDataSource({"time": [], "price": [], "text": []})
        self._sold = ColumnDataSource({"time": [], "price": [], "text": []})
        self._lines: dict[str, ColumnDataSource] = {}
        self._body: Any = None
        self._draw(labels)
        self.view = themed(self.plot)

    def _draw(self, labels: tuple[str, str]) -> None:
        self.plot.segment("time", "high", "time", "low", source=self._bars, line_color="colour")
        self._body = self.plot.vbar(
            "time", 1, "top", "bottom", source=self._bars, line_color="colour", fill_color="fill", name="bars"
        )
        edge = INK[self._dark][0]
        # The shape says the side, the colour only repeats it.
        options = {"size": 12, "line_color": edge, "line_width": 1}
        up = self.plot.scatter("time", "price", source=self._bought, marker="triangle", fill_color=LINES[self._dark][0],
                               legend_label=labels[0], **options)  # fmt: skip
        down = self.plot.scatter("time", "price", source=self._sold, marker="inverted_triangle",
                                 fill_color=LINES[self._dark][1], legend_label=labels[1], **options)  # fmt: skip
        self.plot.add_tools(
            HoverTool(renderers=[up, down], tooltips="@text"),
            HoverTool(
                renderers=[self._body], formatters={"@time": "datetime"}, mode="vline",
                tooltips=[("", "@time{%F %R}"), ("O", "@open{0,0.00[00]}"), ("H", "@high{0,0.00[00]}"),
                          ("L", "@low{0,0.00[00]}"), ("C", "@close{0,0.00[00]}")],
            ),
        )  # fmt: skip

    def show(
        self, bars: Bars, bought: Iterable[Marker], sold: Iterable[Marker],
        indicators: Mapping[str, tuple[Sequence[datetime], Sequence[float]]],
    ) -> None:  # fmt: skip
        """Show all of it anew."""
        locked(partial(self._show, bars, list(bought), list(sold), indicators))

    def _show(
        self,
        bars: Bars,
        bought: Iterable[Marker],
        sold: Iterable[Marker],
        indicators: Mapping[str, tuple[Sequence[datetime], Sequence[float]]],
    ) -> None:
        rose = [close >= open_ for open_, close in zip(bars.open, bars.close, strict=True)]
        up, down = UP[self._dark], DOWN[self._dark]
        hollow = INK[self._dark][0]
        self._body.glyph.width = bars.width * 0.7
        self._bars.data = {
            "time": bars.time, "open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close,
            "top": [max(pair) for pair in zip(bars.open, bars.close, strict=True)],
            "bottom": [min(pair) for pair in zip(bars.open, bars.close, strict=True)],
            "colour": [up if risen else down for risen in rose],
            # Risen candles are hollow: the direction shows without colour.
            "fill": [hollow if risen else down for risen in rose],
        }  # fmt: skip
        self._bought.data = _marks(bought)
        self._sold.data = _marks(sold)
        for name in self._lines.keys() - indicators.keys():
            self._lines[name].data = {"x": [], "y": []}
        for name, (xs, ys) in indicators.items():
            self._line(name).data = {"x": list(xs), "y": list(ys)}

    def _line(self, name: str) -> ColumnDataSource:
        if name not in self._lines:
            colours = LINES[self._dark][2:]
            source = self._lines[name] = ColumnDataSource({"x": [], "y": []})
            colour = colours[(len(self._lines) - 1) % len(colours)]
            self.plot.line("x", "y", source=source, line_color=colour, line_width=1.6, legend_label=name, name=name)
        return self._lines[name]


def _marks(markers: Iterable[Marker]) -> dict[str, Any]:
    kept = list(markers)
    return {"time": [m.time for m in kept], "price": [m.price for m in kept], "text": [m.text for m in kept]}
