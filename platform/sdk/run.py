"""``run``: the last cell of every strategy notebook."""

from collections.abc import Sequence

from ..contracts.errors import InputError
from ..contracts.time import timeframe_ns
from .runtime import current_runtime
from .strategy import Strategy
from .symbols import as_symbols


async def run(strategy: Strategy, symbol: str | Sequence[str], timeframe: str) -> object:
    """Trade ``strategy`` on ``symbol`` (one or a list) at every closed bar of ``timeframe`` (``1m``, ``1h``, ``1d``).

    Safe everywhere: only in a runner that holds its lease does this trade, until the runner is stopped or its market
    ends. In JupyterLab, nbval, papermill's own engine and Voila it returns a preflight report at once. Raises
    :class:`InputError` when an argument is not what it should be.
    """
    _require_strategy(strategy)
    timeframe_ns(timeframe)
    return await current_runtime().trade(strategy, as_symbols(symbol), timeframe)


def _require_strategy(given: object) -> None:
    if not isinstance(given, Strategy):
        made = f"{getattr(given, '__name__', 'MyStrategy')}()"
        raise InputError(
            f"run() was given {given!r} as strategy", hint=f"Make one first: strategy = {made}, then run(strategy, …)."
        )
