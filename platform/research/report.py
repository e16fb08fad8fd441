"""Reports as HTML: statistics, the equity as an inline drawing, the last orders. No script, no styles outside."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from .result import BacktestResult

_CARD = (
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.5;max-width:900px;"
    "border:1px solid rgba(128,128,128,.35);border-radius:8px;padding:14px 18px"
)
_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:10px 18px;margin:12px 0"
_LABEL = "opacity:.65;font-size:11px"
_VALUE = "font-size:16px;font-variant-numeric:tabular-nums"
_CELL = "padding:2px 10px;text-align:right;font-variant-numeric:tabular-nums"


def percent(value: float | None) -> str:
    """A fraction as percent, for people."""
    return "–" if value is None else f"{value:.2%}".replace("-", "−")


def number(value: float | None, digits: int = 2) -> str:
    """A number with thousands separated, for people."""
    return "–" if value is None else f"{value:,.{digits}f}".replace("-", "−")


def highlights(result: "BacktestResult") -> list[tuple[str, str]]:
    """Names and values of the statistics, formatted for people; also what the CLI prints."""
    found = result.statistics
    return [
        ("Total return", percent(found.total_return)),
        ("CAGR", percent(found.cagr)),
        ("Sharpe", number(found.sharpe)),
        ("Sortino", number(found.sortino)),
        ("Calmar", number(found.calmar)),
        ("Volatility", percent(found.volatility)),
        ("Max drawdown", percent(found.max_drawdown)),
        ("Longest drawdown", f"{found.max_drawdown_days:,.0f} days"),
        ("Exposure", percent(found.exposure)),
        ("Turnover a year", number(found.turnover)),
        ("Orders", f"{found.orders:,}"),
        ("Closed trades", f"{found.trades:,}"),
        ("Win rate", percent(found.win_rate)),
        ("Profit factor", number(found.profit_factor)),
        ("Fees", number(found.fees)),
        ("Final equity", number(found.final_equity)),
    ]


def backtest_html(result: "BacktestResult") -> str:
    """What a :class:`BacktestResult` shows in a notebook."""
    candles, found = result.candles, result.statistics
    title = f"{escape(repr(result.strategy))}"
    where = f"{', '.join(candles.labels)} · {candles.timeframe} · {found.start[:10]} to {found.end[:10]}"
    below = f"{found.bars:,} bars · {'vectorbt' if result.engine == 'vectorbt' else 'replay over the trading core'}"
    rejected = [] if not result.rejections else [f"<p>{len(result.rejections)} intents rejected.</p>"]
    return card(
        title,
        f"{escape(where)} · {below}",
        [tiles(highlights(result)), sparkline(result.equity, result.capital), *rejected, table(_tail(result.orders))],
    )


def card(title: str, subtitle: str, parts: Iterable[str]) -> str:
    """A bordered block with a title; ``title`` and ``subtitle`` are HTML already."""
    head = f'<div style="font-weight:600;font-size:15px">{title}</div><div style="opacity:.65">{subtitle}</div>'
    return f'<div style="{_CARD}">{head}{"".join(parts)}</div>'


def tiles(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values in a grid."""
    cells = (
        f'<div><div style="{_LABEL}">{escape(name)}</div><div style="{_VALUE}">{escape(value)}</div></div>'
        for name, value in pairs
    )
    return f'<div style="{_GRID}">{"".join(cells)}</div>'


def sparkline(equity: pd.Series, base: float, *, width: int = 860, height: int = 120) -> str:
    """Equity as an inline SVG with a line at ``base``."""
    picked = np.unique(np.linspace(0, len(equity) - 1, min(len(equity), 600)).astype(int))
    values = equity.to_numpy(dtype="float64")[picked]
    low, high = min(values.min(), base), max(values.max(), base)
    spread = (high - low) or 1.0
    across = np.linspace(0, width, len(values))
    down = height - 4 - (values - low) / spread * (height - 8)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    level = height - 4 - (base - low) / spread * (height - 8)
    colour = "#2e7d5b" if values[-1] >= base else "#b3443c"
    return (
        f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" aria-label="equity">'
        f'<line x1="0" x2="{width}" y1="{level:.1f}" y2="{level:.1f}" stroke="currentColor" stroke-opacity=".3" '
        f'stroke-dasharray="4 4"/><polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/></svg>'
    )


def table(frame: pd.DataFrame) -> str:
    """A small table; an empty one is left out."""
    if frame.empty:
        return ""
    head = "".join(f'<th style="{_CELL}">{escape(str(name).replace("_", " "))}</th>' for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{escape(_text(value))}</td>' for value in row) + "</tr>"
        for row in frame.itertuples(index=False)
    )
    style = "border-collapse:collapse;margin-top:8px"
    return f'<table style="{style}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _tail(orders: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """The last executed orders."""
    done = orders[orders["execution_time"].notna()]
    return done.loc[:, ["decision_time", "execution_time", "instrument", "side", "quantity", "price", "fee"]].tail(
        count
    )


def _text(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M")
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "–"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
