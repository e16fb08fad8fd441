"""``backtest``: what a strategy would have done, by the platform's own timing and sizing rules."""

from collections.abc import Sequence
from datetime import datetime

from ..contracts.errors import InputError
from ..contracts.money import decimal
from ..ops.settings import load_settings
from ..sdk.strategy import Kind, Strategy
from .candles import Candles
from .costs import Costs, costs_of
from .data import candles
from .result import BacktestResult, Engine
from .vectorised import run_vectorised

Moment = str | datetime | None


def backtest(
    strategy: Strategy,
    symbol: str | Sequence[str],
    timeframe: str,
    *,
    start: Moment = None,
    end: Moment = None,
    capital: float = 100_000,
    fees: float | None = None,
    slippage: float | None = None,
) -> BacktestResult:
    """Backtest ``strategy`` on stored candles of ``symbol`` with ``start`` <= open time < ``end`` (UTC).

    Candles before ``start`` warm the strategy up, as in a runner. Decides at each close, executes at the next open,
    sizes by equity at the close (docs/backtest.md). ``fees`` is a fraction of the notional, by default each
    instrument's own; ``slippage`` a fraction of the price, by default the setting ``paper_slippage_bps``. Vectorised
    strategies run on vectorbt; event-driven ones, and those with a stop-loss or take-profit, in a replay through the
    real trading core. Raises :class:`InputError`, :class:`NotFoundError`.
    """
    data = candles(symbol, timeframe, start, end, warmup=True)
    return backtest_candles(strategy, data, capital=capital, costs=default_costs(fees, slippage))


def default_costs(fees: float | None, slippage: float | None) -> Costs:
    """Costs as fractions; without ``slippage`` the setting ``paper_slippage_bps``, as on paper."""
    return costs_of(fees, load_settings().paper_slippage_bps / 10_000 if slippage is None else slippage)


def backtest_candles(
    strategy: Strategy,
    data: Candles,
    *,
    capital: float = 100_000,
    costs: Costs | None = None,
    engine: Engine | None = None,
) -> BacktestResult:
    """As :func:`backtest`, on candles at hand. ``engine`` forces one: ``"replay"`` runs every strategy."""
    if not capital > 0:
        raise InputError(f"capital={capital!r} is not positive", hint="Give the cash the account starts with.")
    used = engine or engine_of(strategy)
    costs, account = costs or Costs(), decimal(capital)
    if used == "vectorbt":
        orders, executions, curves, portfolio, shown = run_vectorised(strategy, data, costs, account)
        return BacktestResult(
            strategy, data.traded, float(capital), used, orders, executions, curves, shown=shown, portfolio=portfolio
        )
    from .replay import run_replay

    outcome = run_replay(strategy, data, costs, account)
    return BacktestResult(
        strategy,
        data.traded,
        float(capital),
        used,
        outcome.orders,
        outcome.executions,
        outcome.curves,
        outcome.rejections,
        shown=outcome.shown,
    )


def engine_of(strategy: Strategy) -> Engine:
    """Which engine ``backtest`` takes: protective orders and event-driven strategies need the trading core."""
    protected = strategy.stop_loss is not None or strategy.take_profit is not None
    return "replay" if protected or strategy.kind is Kind.EVENTS else "vectorbt"
