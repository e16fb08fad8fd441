"""Charts: equity, drawdown, candles with trades and indicators. Times are the viewer's wall clock.

Every chart keeps its data in sources of its own and is updated by replacing them, thinned to what a screen can show.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import panel as pn
from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    CustomJSTickFormatter,
    DatetimeTickFormatter,
    HoverTool,
    NoOverlap,
)
from bokeh.models.annotations import Legend
from bokeh.plotting import figure

from .formats import Formats

Points = tuple[Sequence[datetime], Sequence[float]]
LINES = {True: ("#6cb0ff", "#f0c04f", "#c39bff", "#4ccb8b", "#ff9d6c", "#8fd3e8"),
         False: ("#0b5cbd", "#8a5a00", "#6b3fa0", "#0a7543", "#b04a10", "#1d6f85")}  # fmt: skip
UP = {True: "#4ccb8b", False: "#0a7543"}
DOWN = {True: "#ff8a80", False: "#b9251c"}
INK = {True: ("#161d25", "#a3b1bf", "#2a3541"), False: ("#ffffff", "#4f5d6b", "#d7dee7")}
_TICKS = DatetimeTickFormatter(
    seconds="%H:%M:%S", minsec="%H:%M:%S", minutes="%H:%M", hourmin="%H:%M", hours="%H:%M", days="%Y-%m-%d",
    months="%Y-%m", years="%Y",
).properties_with_values(include_defaults=False)  # fmt: skip
_WRITE = (
    "return new Intl.NumberFormat(locale, {style, minimumFractionDigits: least, maximumFractionDigits: most,"
    " useGrouping: 'always'}).format(%s)"
)


class Numbers:
    """Numbers of one chart as the browser writes them in the viewer's language, like :class:`Formats` does here."""

    def __init__(self, tag: str, *, least: int = 0, most: int = 2, percent: bool = False) -> None:
        style = "percent" if percent else "decimal"
        self._axis = {"locale": tag, "least": 0, "most": most, "style": style}
        self._hover = self._axis | {"least": 2 if percent else least}

    def axis(self) -> CustomJSTickFormatter:
        """For the ticks of an axis: no needless zeros."""
        return CustomJSTickFormatter(args=self._axis, code=_WRITE % "tick")

    def hover(self) -> CustomJSHover:
        """For what is read at a point, as ``@name{custom}``."""
        return CustomJSHover(args=self._hover, code=_WRITE % "value")


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
        axis.major_label_policy = NoOverlap()
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
    """Several named lines over time, each with its name in the legend."""

    def __init__(
        self, title: str, f: Formats, *, dark: bool, height: int = 260, percent: bool = False, most: int = 2
    ) -> None:
        self._title, self._dark, self._height, self._percent = title, dark, height, percent
        self._numbers = Numbers(f.tag, percent=percent, most=most)
        self._sources: dict[str, ColumnDataSource] = {}
        self.plot = self._drawn({})
        self.view = themed(self.plot)

    def show(self, lines: Mapping[str, Points]) -> None:
        """Show these lines."""
        data: dict[str, dict[str, Any]] = {name: {"x": list(xs), "y": list(ys)} for name, (xs, ys) in lines.items()}
        if data.keys() == self._sources.keys():
            locked(partial(self._update, data))
            return
        # A chart of its own that is complete when it comes to the browser, never one that grows there.
        self.plot = self._drawn(data)
        self.view.object = self.plot

    def _update(self, data: Mapping[str, dict[str, Any]]) -> None:
        for name, source in self._sources.items():
            if name in data and source.data != data[name]:
                source.data = data[name]

    def _drawn(self, data: Mapping[str, dict[str, Any]]) -> Any:
        plot = _figure(dark=self._dark, height=self._height, title=self._title)
        plot.yaxis.formatter = self._numbers.axis()
        plot.add_tools(
            HoverTool(
                tooltips=[("", "@x{%F %T}"), ("$name", "@y{custom}")],
                formatters={"@x": "datetime", "@y": self._numbers.hover()},
            )
        )
        plot.line([], [])  # a chart without any line is a mistake to Bokeh
        self._sources = {name: ColumnDataSource(dict(one)) for name, one in data.items()}
        for index, (name, source) in enumerate(self._sources.items()):
            self._line(plot, index, name, source)
        return plot

    def _line(self, plot: Any, index: int, name: str, source: ColumnDataSource) -> None:
        colours = LINES[self._dark]
        colour = colours[index % len(colours)]
        # A dash pattern too, so that lines differ without colour.
        dash = ("solid", "dashed", "dotted", "dotdash")[index // len(colours) % 4]
        if self._percent:
            plot.varea("x", 0, "y", source=source, fill_color=colour, fill_alpha=0.15)
        plot.line("x", "y", source=source, line_width=2, line_color=colour, line_dash=dash, name=name,
                  legend_label=name)  # fmt: skip


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
    """Candles of one instrument and time frame, with entries and exits, and the indicators as their strategy saw them.

    ``digits`` are the decimals of its prices.
    """

    def __init__(
        self, title: str, labels: tuple[str, str], f: Formats, digits: int = 2, *, dark: bool, height: int = 380
    ) -> None:
        self._title, self._labels, self._dark, self._height = title, labels, dark, height
        self._numbers = Numbers(f.tag, least=digits, most=digits)
        self._bars, self._bought, self._sold = (ColumnDataSource() for _ in range(3))
        self._lines: dict[str, ColumnDataSource] = {}
        self._body: Any = None
        self.plot: Any = None
        self.view = themed(None)

    def show(
        self, bars: Bars, bought: Iterable[Marker], sold: Iterable[Marker], indicators: Mapping[str, Points]
    ) -> None:
        """Show all of it anew."""
        fresh = _Fresh(self._columns(bars), bars.width * 0.7, _marks(bought), _marks(sold),
                       {name: {"x": list(xs), "y": list(ys)} for name, (xs, ys) in indicators.items()})  # fmt: skip
        if self.plot is not None and fresh.lines.keys() == self._lines.keys():
            locked(partial(self._update, fresh))
            return
        # A chart of its own that is complete when it comes to the browser, never one that grows there.
        self.plot = self._drawn(fresh)
        self.view.object = self.plot

    def _update(self, fresh: "_Fresh") -> None:
        self._body.glyph.width = fresh.width
        self._bars.data, self._bought.data, self._sold.data = fresh.bars, fresh.bought, fresh.sold
        for name, source in self._lines.items():
            if name in fresh.lines:
                source.data = fresh.lines[name]

    def _columns(self, bars: Bars) -> dict[str, Any]:
        rose = [close >= open_ for open_, close in zip(bars.open, bars.close, strict=True)]
        up, down, hollow = UP[self._dark], DOWN[self._dark], INK[self._dark][0]
        return {
            "time": bars.time, "open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close,
            "top": [max(pair) for pair in zip(bars.open, bars.close, strict=True)],
            "bottom": [min(pair) for pair in zip(bars.open, bars.close, strict=True)],
            "colour": [up if risen else down for risen in rose],
            # Risen candles are hollow: the direction shows without colour.
            "fill": [hollow if risen else down for risen in rose],
        }  # fmt: skip

    def _drawn(self, fresh: "_Fresh") -> Any:
        plot = _figure(dark=self._dark, height=self._height, title=self._title)
        plot.yaxis.formatter = self._numbers.axis()
        self._bars, self._bought, self._sold = map(ColumnDataSource, (fresh.bars, fresh.bought, fresh.sold))
        self._lines = {name: ColumnDataSource(dict(line)) for name, line in fresh.lines.items()}
        plot.segment("time", "high", "time", "low", source=self._bars, line_color="colour")
        self._body = plot.vbar(
            "time", fresh.width, "top", "bottom", source=self._bars, line_color="colour", fill_color="fill", name="bars"
        )
        colours = LINES[self._dark]
        # The shape says the side, the colour only repeats it.
        options = {"size": 12, "line_color": INK[self._dark][0], "line_width": 1}
        up = plot.scatter("time", "price", source=self._bought, marker="triangle", fill_color=colours[0],
                          legend_label=self._labels[0], **options)  # fmt: skip
        down = plot.scatter("time", "price", source=self._sold, marker="inverted_triangle", fill_color=colours[1],
                            legend_label=self._labels[1], **options)  # fmt: skip
        for index, (name, source) in enumerate(self._lines.items()):
            colour = colours[2:][index % len(colours[2:])]
            plot.line("x", "y", source=source, line_color=colour, line_width=1.6, legend_label=name, name=name)
        plot.add_tools(HoverTool(renderers=[up, down], tooltips="@text"), self._reader())
        return plot

    def _reader(self) -> HoverTool:
        hover = self._numbers.hover()
        prices = {"O": "open", "H": "high", "L": "low", "C": "close"}
        return HoverTool(
            renderers=[self._body], mode="vline",
            tooltips=[("", "@time{%F %R}"), *((letter, f"@{name}{{custom}}") for letter, name in prices.items())],
            formatters={"@time": "datetime", **{f"@{name}": hover for name in prices.values()}},
        )  # fmt: skip


class _Fresh(NamedTuple):
    """The columns of a chart of candles."""

    bars: dict[str, Any]
    width: float
    bought: dict[str, Any]
    sold: dict[str, Any]
    lines: dict[str, dict[str, Any]]


def _marks(markers: Iterable[Marker]) -> dict[str, Any]:
    kept = list(markers)
    return {"time": [m.time for m in kept], "price": [m.price for m in kept], "text": [m.text for m in kept]}
