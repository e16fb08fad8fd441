"""The preflight report: what ``run`` shows everywhere but in a runner."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from ..contracts.errors import MillstreamError
from ..ops.settings import load_settings
from ..sdk.strategy import Kind, Strategy
from ..sdk.symbols import as_symbols
from .candles import Candles
from .costs import costs_of
from .data import candles
from .report import card, percent, table, tiles
from .sizer import exposures

_RECENT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReport:
    """Whether the strategy could run: what it trades, needs and last decided; ``problems`` say what stands in the way.

    ``decisions``: the last bars (UTC open times) with their targets, one column an instrument label; empty for
    event-driven strategies.
    """

    strategy: Strategy
    symbols: tuple[str, ...]
    timeframe: str
    instruments: pd.DataFrame
    limits: dict[str, str]
    decisions: pd.DataFrame
    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not self.problems

    def __repr__(self) -> str:
        lines = [
            f"Preflight: {self.strategy!r} on {', '.join(self.symbols)} {self.timeframe}",
            *(f"  {name}: {value}" for name, value in self.limits.items()),
            *(f"  problem: {problem}" for problem in self.problems),
            "  Nothing is traded here; `millstream promote` puts the notebook to work.",
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "strategy": type(self.strategy).__name__,
            "symbols": list(self.symbols),
            "timeframe": self.timeframe,
            "limits": self.limits,
            "ready": self.ready,
            "problems": list(self.problems),
        }

    def _repr_html_(self) -> str:
        values = [(name, str(value)) for name, value in self.strategy.parameters.items() if value is not None]
        state = "Ready to promote" if self.ready else "Not ready"
        problems = "".join(f'<p style="color:#b3443c;margin:4px 0">{escape(problem)}</p>' for problem in self.problems)
        recent = self.decisions.reset_index(names="bar") if len(self.decisions) else self.decisions
        return card(
            f"Preflight · {escape(type(self.strategy).__name__)} · {state}",
            "Nothing is traded here: this report is what <code>run</code> gives outside a runner. "
            "<code>millstream promote</code> puts the notebook to work.",
            [problems, tiles(values), tiles(list(self.limits.items())), table(self.instruments), table(recent)],
        )


def preflight(strategy: Strategy, symbol: str | Sequence[str], timeframe: str) -> PreflightReport:
    """Check ``strategy`` against the stored candles of ``symbol``; what is wrong becomes a problem in the report."""
    symbols = as_symbols(symbol)
    try:
        data = candles(symbols, timeframe)
        return _report(strategy, symbols, data)
    except MillstreamError as error:
        problem = f"{error}. {error.hint}".strip()
        return PreflightReport(
            strategy=strategy,
            symbols=symbols,
            timeframe=timeframe,
            instruments=pd.DataFrame(),
            limits=_limits(strategy),
            decisions=pd.DataFrame(),
            problems=(problem,),
        )


class PreflightRuntime:
    """The default of ``millstream.runtime``: reports at once and trades nothing."""

    async def trade(self, strategy: Strategy, symbols: tuple[str, ...], timeframe: str) -> object:
        return preflight(strategy, symbols, timeframe)


def _report(strategy: Strategy, symbols: tuple[str, ...], data: Candles) -> PreflightReport:
    counts = {label: int(count) for label, count in zip(data.labels, data.has_bar.sum(axis=0), strict=True)}
    short = [
        f"{label} has {count} bars, fewer than the {strategy.warmup_bars} bars of warm-up"
        for label, count in counts.items()
        if count < strategy.warmup_bars
    ]
    return PreflightReport(
        strategy=strategy,
        symbols=symbols,
        timeframe=data.timeframe,
        instruments=_instruments(data, counts),
        limits=_limits(strategy),
        decisions=_decisions(strategy, data),
        problems=tuple(short),
    )


def _instruments(data: Candles, counts: dict[str, int]) -> pd.DataFrame:
    rows = []
    for instrument, label in zip(data.instruments, data.labels, strict=True):
        own = data.of(label)
        rows.append(
            {
                "instrument": instrument.key,
                "bars": counts[label],
                "first": own.index[0],
                "last": own.index[-1],
                "last close": float(own["close"].iloc[-1]),
                "lot": str(instrument.lot_step),
                "fee": percent(float(instrument.fee_rate)),
            }
        )
    return pd.DataFrame(rows)


def _limits(strategy: Strategy) -> dict[str, str]:
    settings = load_settings()
    return {
        "Kind": strategy.kind.value,
        "Warm-up": f"{strategy.warmup_bars} bars",
        "Rebalance": strategy.rebalance.replace("_", " ") if strategy.kind is Kind.VECTORISED else "own orders",
        "Stop-loss": percent(strategy.stop_loss),
        "Take-profit": percent(strategy.take_profit),
        "Intent lives": f"{settings.intent_ttl_seconds:g} s",
        "Paper slippage": f"{float(costs_of(None, settings.paper_slippage_bps / 10_000).slippage_bps):g} bps",
    }


def _decisions(strategy: Strategy, data: Candles) -> pd.DataFrame:
    if strategy.kind is Kind.EVENTS:
        return pd.DataFrame()
    targets = exposures(strategy, data)
    return pd.DataFrame(targets, data.frame.index, columns=list(data.labels)).tail(_RECENT)
