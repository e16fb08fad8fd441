from typing import Any

import pytest

import millstream.research
from millstream.contracts.errors import InputError
from millstream_kernel.magics import researching


class Strategy:
    """Stands where a notebook's strategy stands."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def replace(self, **values: Any) -> "Strategy":
        if "fsat" in values:
            raise InputError("no parameter fsat. Did you mean 'fast'?", hint="Correct it.")
        return Strategy(**{**self.values, **values})


@pytest.fixture
def calls(notebook, monkeypatch):
    """What was asked of research and of the command line."""
    found: list[Any] = []

    def record(strategy, *args, **options):
        found.append((strategy.values, args, options))
        return "the result"

    monkeypatch.setattr(millstream.research, "backtest", record)
    monkeypatch.setattr(millstream.research, "sweep", record)
    monkeypatch.setattr(researching, "run_command", found.append)
    notebook.shell.user_ns |= {"strategy": Strategy(fast=10), "symbol": "AAPL", "timeframe": "1d", "n": 3}
    return found


def test_the_notebooks_strategy_is_backtested_and_the_result_is_the_cells(notebook, calls):
    assert notebook.run("backtest fast=n*10 --start 2010-01-01 --capital 5000") == "the result"
    assert calls == [({"fast": 30}, ("AAPL", "1d"), {"start": "2010-01-01", "capital": 5000.0})]


def test_a_sweep_takes_its_grid_from_the_line_and_the_cell(notebook, calls):
    notebook.run("sweep fast=range(5,8) --processes 2 --timeframe 1h", "slow = [20, n * 10]\nmode = 'a'\n")
    grid = {"fast": [5, 6, 7], "slow": [20, 30], "mode": ["a"]}
    assert calls == [({"fast": 10}, ("AAPL", "1h", grid), {"processes": 2})]


def test_a_named_notebook_is_backtested_by_the_command_line(notebook, calls):
    notebook.run("backtest strategies/sma_cross.ipynb -p fast=5 --end 2012-01-01 --json", "slow = 30")
    assert calls == [
        ["backtest", "strategies/sma_cross.ipynb", "-p", "fast=5", "-p", "slow=30", "--end", "2012-01-01", "--json"]
    ]


def test_a_notebook_without_a_strategy_says_so(notebook, calls):
    del notebook.shell.user_ns["strategy"]
    notebook.run("backtest fast=5")
    assert "this notebook has no strategy" in notebook.text
    assert calls == []


@pytest.mark.parametrize("line", ["backtest fsat=5", "backtest fast=5 --capital much"])
def test_what_does_not_fit_is_a_message(notebook, calls, line):
    assert notebook.run(line) is None
    assert "error: " in notebook.text
    assert calls == []
