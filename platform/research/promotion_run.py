"""The runtime of a promotion: ``run`` backtests the strategy and leaves the report in the executed notebook."""

import os
from datetime import datetime
from typing import Any

import msgspec

from ..sdk.strategy import Strategy
from .backtest import backtest
from .result import BacktestResult

REPORT_MIME = "application/vnd.millstream.report+json"


class PromotionReport:
    """A backtest that also shows itself as JSON, for promotion to read from the notebook's outputs."""

    def __init__(self, result: BacktestResult) -> None:
        self.result = result

    def __repr__(self) -> str:
        return repr(self.result)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """HTML for people and the report for promotion; JSON values must be finite."""
        html = self.result._repr_html_()
        return {"text/plain": repr(self.result), "text/html": html, REPORT_MIME: self.result.to_dict()}


class Window(msgspec.Struct, frozen=True):
    """What ``MILLSTREAM_BACKTEST`` says, as JSON: the candles to use (UTC; all stored by default) and the capital."""

    start: datetime | None = None
    end: datetime | None = None
    capital: float = 100_000


class BacktestRuntime:
    """``MILLSTREAM_RUNTIME=backtest``: backtests on the window of ``MILLSTREAM_BACKTEST``, with the settings' costs."""

    async def trade(self, strategy: Strategy, symbols: tuple[str, ...], timeframe: str) -> object:
        window = msgspec.json.decode(os.environ.get("MILLSTREAM_BACKTEST", "{}"), type=Window, strict=False)
        result = backtest(strategy, symbols, timeframe, start=window.start, end=window.end, capital=window.capital)
        return PromotionReport(result)
