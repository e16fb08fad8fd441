"""``backtest``, ``sweep`` and ``doctor``: they run in this kernel or on this machine, without the gateway."""

from argparse import Namespace
from typing import Any

from millstream.contracts.errors import InputError

from .assignments import expressions, pairs
from .session import Session


def doctor(ms: Session, given: Namespace) -> None:
    """Check this installation."""
    del ms
    run_command(["doctor", *(["--json"] if given.json else [])])


def backtest(ms: Session, given: Namespace) -> object:
    """Backtest a notebook in a fresh kernel, or the strategy of this notebook with other parameters."""
    if given.notebook_or_parameters and "=" not in given.notebook_or_parameters[0]:
        notebook, *rest = given.notebook_or_parameters
        _backtest_notebook(ms, notebook, rest, given)
        return None
    from millstream.research import backtest as run

    strategy = _named(ms, given.strategy or "strategy")
    values = _values(ms, given.notebook_or_parameters)
    return run(strategy.replace(**values) if values else strategy, *_market(ms, given), **_window(given))


def _backtest_notebook(ms: Session, notebook: str, rest: list[str], given: Namespace) -> None:
    words = ["backtest", ms.local_notebook(notebook)]
    chosen = given.param + rest + [f"{name}={value}" for name, value in _cell_values(ms).items()]
    for pair in chosen:
        words += ["-p", pair]
    for name in ("start", "end", "capital"):
        if getattr(given, name):
            words += [f"--{name}", getattr(given, name)]
    run_command([*words, *(["--json"] if given.json else [])])


def sweep(ms: Session, given: Namespace) -> object:
    """Backtest the strategy of this notebook with every combination of values."""
    from millstream.research import sweep as run

    strategy = _named(ms, given.strategy or "strategy")
    grid = {name: _several(value) for name, value in _values(ms, given.grid).items()}
    return run(strategy, *_market(ms, given), grid, processes=given.processes or 1, **_window(given))


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | range) else [value]


def _values(ms: Session, words: list[str]) -> dict[str, Any]:
    """Values of the line and of the cell: Python, evaluated where the notebook's names are known."""
    return {name: _evaluated(ms, source) for name, source in pairs(words).items()} | _cell_values(ms)


def _cell_values(ms: Session) -> dict[str, Any]:
    return {name: _evaluated(ms, source) for name, source in expressions(ms.cell or "").items()}


def _evaluated(ms: Session, source: str) -> Any:
    try:
        return ms.shell.ev(source)
    except NameError:
        return source  # a text without quotes, such as symbol=AAPL


def _market(ms: Session, given: Namespace) -> tuple[Any, Any]:
    """Symbol and time frame: those given, else those of the notebook."""
    return given.symbol or _named(ms, "symbol"), given.timeframe or _named(ms, "timeframe")


def _named(ms: Session, name: str) -> Any:
    if name not in ms.shell.user_ns:
        raise InputError(
            f"this notebook has no {name}",
            hint="Run its cells first, or name another: --strategy NAME, --symbol AAPL, --timeframe 1d.",
        )
    return ms.shell.user_ns[name]


def _window(given: Namespace) -> dict[str, Any]:
    window: dict[str, Any] = {name: getattr(given, name) for name in ("start", "end") if getattr(given, name)}
    if given.capital:
        try:
            window["capital"] = float(given.capital)
        except ValueError as error:
            hint = "For example --capital 100000."
            raise InputError(f"--capital {given.capital} is not an amount", hint=hint) from error
    return window


def run_command(words: list[str]) -> int:
    """Run one command of the CLI in this process and return its exit code."""
    from millstream.cli.main import call

    return call(words)
