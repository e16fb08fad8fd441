"""``python -m millstream.research.compiled``: compile what vectorbt compiles at first use, so that it is cached.

Part of making the environment, as compiling the bytecode is: a first backtest then takes a second, not half a minute.
"""

import pandas as pd

from ..sdk.strategy import Strategy
from ..sdk.testing import frame, instrument
from .backtest import backtest_candles
from .candles import Candles


class _Flip(Strategy):
    """In and out at every other bar: each kind of order occurs."""

    def target(self, bars: pd.DataFrame) -> pd.Series:
        flags = [float(number // 2 % 2) for number in range(len(bars))]
        return pd.Series(flags, index=bars.index)


def compile_all() -> None:
    """Run one small backtest and everything that is shown of it."""
    candles = Candles((instrument(),), "1d", frame([100.0, 101.0, 99.0, 102.0] * 10))
    result = backtest_candles(_Flip(), candles)
    result.to_dict()


if __name__ == "__main__":
    compile_all()
