"""Symbols as people write them, and the column labels that strategies see."""

from collections import Counter
from collections.abc import Sequence

from ..contracts.errors import InputError


def as_symbols(symbol: str | Sequence[str]) -> tuple[str, ...]:
    """One symbol or a list of them as a tuple of distinct, non-empty names. Raises :class:`InputError`."""
    symbols = (symbol,) if isinstance(symbol, str) else tuple(symbol)
    if not symbols or not all(isinstance(name, str) and name.strip() for name in symbols):
        raise InputError(
            f"{symbol!r} is not a symbol or a list of symbols", hint='Write symbol="AAPL" or symbol=["AAPL", "IBM"].'
        )
    repeated = [name for name, count in Counter(symbols).items() if count > 1]
    if repeated:
        raise InputError(f"The symbol {repeated[0]} is listed more than once", hint="List each symbol once.")
    return symbols


def labels(instruments: Sequence[str]) -> tuple[str, ...]:
    """Column labels of instrument keys: the symbol, or the whole key where two exchanges share a symbol."""
    symbols = [key.partition(":")[2] for key in instruments]
    count = Counter(symbols)
    return tuple(symbol if count[symbol] == 1 else key for key, symbol in zip(instruments, symbols, strict=True))
