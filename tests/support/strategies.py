"""Tiny strategy notebooks, built where they are used."""

from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import v4

PARAMETERS = 'symbol, timeframe = "SAMPLE:AAPL", "1d"\nfast = 3\nslow = 5'
STRATEGY = """
from millstream.sdk import Strategy, run

class Cross(Strategy):
    fast: int = 3
    slow: int = 5

    def target(self, bars):
        fast, slow = bars.close.rolling(self.fast).mean(), bars.close.rolling(self.slow).mean()
        return (fast > slow).astype(float)

strategy = Cross(fast=fast, slow=slow)
"""
RUN = "await run(strategy, symbol, timeframe)"


def code(source: str, *tags: str) -> nbformat.NotebookNode:
    return v4.new_code_cell(source.strip(), metadata={"tags": list(tags)} if tags else {})


def notebook(parameters: str, strategy: str, extra: Iterable[nbformat.NotebookNode] = ()) -> nbformat.NotebookNode:
    """A notebook with these two cells; ``extra`` cells stand before the last one, which runs the strategy."""
    cells = [v4.new_markdown_cell("# Strategy"), code(parameters, "parameters"), code(strategy), *extra, code(RUN)]
    return v4.new_notebook(cells=cells)


def cross(extra: Iterable[nbformat.NotebookNode] = (), *, strategy: str = STRATEGY) -> nbformat.NotebookNode:
    """A notebook that trades on crossing averages; ``extra`` cells stand before the last one."""
    return notebook(PARAMETERS, strategy, extra)


def save(notebook: nbformat.NotebookNode, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
