"""Data access, backtests, sweeps and the checks that hold them against the trading core.

What a notebook needs is here: ``load``, ``backtest``, ``sweep``, ``preflight``. Heavy libraries load at first use.
"""

from .backtest import backtest
from .data import instruments, load, stored
from .plots import inline_plots
from .preflight import preflight
from .result import BacktestResult
from .sweep import sweep

__all__ = ["BacktestResult", "backtest", "inline_plots", "instruments", "load", "preflight", "stored", "sweep"]
