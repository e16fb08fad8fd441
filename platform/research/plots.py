"""Plots of runs and sweeps with hvPlot (Bokeh). Imported only where something is drawn."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from .indicators import on_price_scale

if TYPE_CHECKING:
    from .result import BacktestResult

UP, DOWN, LINE, SOFT = "#2e7d5b", "#b3443c", "#33658a", "#8d99ae"
_TOOLS = ["xwheel_zoom", "xpan", "reset", "hover"]


def inline_plots() -> None:
    """Load hvPlot into the notebook, with all that plots need: they ask no server, and tell nobody that they are drawn.

    The plots of this package call it; call it yourself before you draw with hvPlot or HoloViews first.
    """
    import holoviews as hv
    from panel.viewable import Viewable

    hv.extension.inline = True
    # HoloViews renders through Panel, but past the place where Panel would put its style sheets inline.
    hooks = Viewable._preprocessing_hooks  # noqa: SLF001 - Panel's own panes register theirs so
    if _style_sheets_inline not in hooks:
        hooks.append(_style_sheets_inline)
    import hvplot.pandas  # noqa: F401 - registers DataFrame.hvplot

    if "bokeh" not in hv.Store.loaded_backends():
        hv.extension("bokeh", logo=False)


def _style_sheets_inline(_view: Any, root: Any) -> None:
    from bokeh.models.ui import UIElement
    from panel.io.notebook import patch_inline_stylesheets

    for model in root.select({"type": UIElement}):
        patch_inline_stylesheets(model)


def _naive(frame: Any) -> Any:
    """The same with a UTC index without time zone, which is what Bokeh's axes show."""
    result = frame.copy(deep=False)
    result.index = result.index.tz_convert("UTC").tz_localize(None).rename("time")
    return result


def equity_plot(result: "BacktestResult", *, width: int = 900) -> Any:
    """Equity at each close beside holding the instruments in equal parts from their first bars."""
    from bokeh.models import NumeralTickFormatter

    inline_plots()
    lines = pd.DataFrame({"strategy": result.equity, "buy and hold": buy_and_hold(result)})
    return _naive(lines).hvplot.line(
        width=width,
        height=260,
        color=[LINE, SOFT],
        title="Equity",
        value_label="equity",
        yformatter=NumeralTickFormatter(format="0,0"),
        ylabel="equity",
        xlabel="",
        legend="top_left",
        tools=_TOOLS,
    )


def drawdown_plot(result: "BacktestResult", *, width: int = 900) -> Any:
    """Distance from the highest equity so far, in percent."""
    inline_plots()
    percent = _naive(result.drawdown * 100).to_frame("drawdown")
    return percent.hvplot.area(
        y="drawdown",
        width=width,
        height=140,
        color=DOWN,
        alpha=0.4,
        title="Drawdown (%)",
        xlabel="",
        ylabel="",
        tools=_TOOLS,
    )


def trades_plot(result: "BacktestResult", label: str | None = None, *, width: int = 900) -> Any:
    """Executed orders of one instrument (the first by default) and its indicators on its closing prices."""
    inline_plots()
    candles = result.candles
    label = label or candles.labels[0]
    key = dict(zip(candles.labels, candles.keys, strict=True))[label]
    close = _naive(candles.of(label)[["close"]])
    price = close.hvplot.line(
        y="close", width=width, height=300, color=SOFT, title=f"Orders on {label}", xlabel="", tools=_TOOLS
    )
    near, _ = indicators_of(result, label)
    if len(near.columns):
        price *= near.hvplot.line(value_label="price", width=width, height=300, xlabel="", ylabel="", tools=_TOOLS)
    orders = result.orders
    done = orders[(orders["instrument"] == key) & orders["execution_time"].notna()]
    for side, marker, colour in (("buy", "triangle", UP), ("sell", "inverted_triangle", DOWN)):
        points = done.loc[done["side"] == side, ["execution_time", "price", "quantity"]]
        points = _naive(points.set_index("execution_time")).reset_index()
        if len(points):
            price *= points.hvplot.scatter(
                x="time", y="price", marker=marker, size=60, color=colour, label=side, hover_cols=["quantity"]
            )
    return price


def indicators_of(result: "BacktestResult", label: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the strategy showed of one instrument: on the scale of its prices, and the rest (no column: nothing)."""
    values = {name: table[label] for name, table in result.indicators.items() if table[label].notna().any()}
    near, far = on_price_scale(values, result.candles.of(label)["close"])
    index = result.equity.index
    return tuple(_naive(pd.DataFrame({name: values[name] for name in names}, index=index)) for names in (near, far))


def indicators_plot(result: "BacktestResult", label: str | None = None, *, width: int = 900) -> Any:
    """Indicators of one instrument that are not on the scale of its prices; None where there are none."""
    _, far = indicators_of(result, label or result.candles.labels[0])
    if not len(far.columns):
        return None
    inline_plots()
    return far.hvplot.line(
        value_label="indicator", width=width, height=160, title="Indicators", xlabel="", ylabel="", legend="top_left",
        tools=_TOOLS,
    )  # fmt: skip


def overview(result: "BacktestResult", *, width: int = 900) -> Any:
    """Equity, drawdown, trades and indicators (of the first instrument), sharing the time axis."""
    # HoloViews gives plots of one layout the same axis where their dimensions have the same name. That must be the
    # time only, not money, price and indicators: why each plot of several lines has a `value_label` of its own.
    parts = equity_plot(result, width=width) + drawdown_plot(result, width=width) + trades_plot(result, width=width)
    others = indicators_plot(result, width=width)
    return (parts if others is None else parts + others).cols(1)


def heatmap(table: pd.DataFrame, x: str, y: str, value: str, *, width: int = 620) -> Any:
    """A sweep's ``value`` over two parameters (the mean where several rows share a cell)."""
    inline_plots()
    cells = table.groupby([x, y], as_index=False)[value].mean()
    return cells.hvplot.heatmap(x=x, y=y, C=value, cmap="RdYlGn", width=width, height=420, title=value)


def buy_and_hold(result: "BacktestResult") -> pd.Series:
    """Value of the capital split equally between the instruments at their first closes (cash until then)."""
    close = result.candles.last_close
    return pd.Series((close / close[0]).mean(axis=1) * result.capital, result.equity.index)


def sweep_line(table: pd.DataFrame, x: str, value: str, *, width: int = 620) -> Any:
    """A sweep's ``value`` over one parameter."""
    inline_plots()
    return table.sort_values(x).hvplot.line(x=x, y=value, width=width, height=320, color=LINE, title=value)
