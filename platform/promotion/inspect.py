"""Reads a strategy notebook without executing it and says whether it is what a promotion needs."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from ..contracts.errors import InputError, NotFoundError
from .parameters import Declared, declared_in

PARAMETERS = "parameters"
RESEARCH = "research"
INJECTED = "injected-parameters"
ALLOWED = ("millstream.sdk", "millstream.research")
HEAVY = frozenset({"bokeh", "holoviews", "hvplot", "matplotlib", "panel", "plotly", "vectorbt"})


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found. ``market`` holds the expressions that ``run`` gets as symbols and timeframe.

    ``warnings`` are things that will work but should not be so.
    """

    path: Path
    notebook: Any
    parameters: tuple[Declared, ...]
    market: tuple[ast.expr, ast.expr] | None
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """The strategy's name: the file's, without its ending."""
        return self.path.stem

    def market_with(self, parameters: dict[str, Any]) -> tuple[list[str], str] | None:
        """Symbols and timeframe that ``run`` is given with ``parameters``; ``None`` where only executing tells."""
        if self.market is None:
            return None
        symbols, timeframe = (_value(argument, parameters) for argument in self.market)
        if isinstance(symbols, str):
            symbols = [symbols]
        readable = isinstance(symbols, list) and all(isinstance(one, str) for one in symbols)
        return (symbols, timeframe) if readable and isinstance(timeframe, str) else None


def read_notebook(path: Path) -> Any:
    """The notebook in ``path``. Raises :class:`NotFoundError`, and :class:`InputError` for what is no notebook."""
    if not path.is_file():
        raise NotFoundError(f"there is no notebook {path}", hint="Give the path of an .ipynb file.")
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        if not isinstance(content, dict) or "cells" not in content:
            raise InputError(f"{path} is not a notebook: it has no cells", hint="Give the path of an .ipynb file.")
        # Older formats have no cell ids: the upgrade gives them some.
        notebook = nbformat.reads(text, as_version=4)
        notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
        _, notebook = nbformat.validator.normalize(notebook)
        nbformat.validate(notebook)
    except (ValueError, TypeError, KeyError, AttributeError, nbformat.ValidationError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} is not a notebook: {first}", hint="Open and save it in JupyterLab.") from error
    return notebook


def inspect(path: Path) -> Inspection:
    """Check the notebook in ``path``. Raises :class:`InputError` naming the cell and what to change."""
    notebook = read_notebook(path)
    cells = [(number, cell) for number, cell in enumerate(notebook.cells, start=1)]
    _check_tags(cells)
    parameters = _parameters(cells)
    promoted = [(number, cell) for number, cell in cells if cell.cell_type == "code" and not _has(cell, RESEARCH)]
    trees = [(number, _tree(number, cell.source)) for number, cell in promoted if cell.source.strip()]
    warnings = [warning for number, tree in trees for warning in _check_imports(number, tree)]
    return Inspection(path, notebook, parameters, _check_run(trees), tuple(warnings))


def _has(cell: Any, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _check_tags(cells: list[tuple[int, Any]]) -> None:
    for number, cell in cells:
        tags = cell.metadata.get("tags", [])
        if INJECTED in tags:
            raise InputError(
                f"cell {number} holds injected parameters: this is an executed notebook", hint="Promote its source."
            )
        if PARAMETERS in tags and (RESEARCH in tags or cell.cell_type != "code"):
            raise InputError(
                f"cell {number} cannot be the parameters cell",
                hint=f"The tag {PARAMETERS!r} stands alone, on a code cell.",
            )
        for tag in tags:
            _check_tag(number, tag)


def _check_tag(number: int, tag: str) -> None:
    if tag in {PARAMETERS, RESEARCH}:
        return
    meant = get_close_matches(tag.casefold(), (PARAMETERS, RESEARCH), n=1, cutoff=0.75)
    if meant:
        raise InputError(f"cell {number} has the tag {tag!r}", hint=f"Did you mean {meant[0]!r}?")


def _parameters(cells: list[tuple[int, Any]]) -> tuple[Declared, ...]:
    found = [(number, cell) for number, cell in cells if _has(cell, PARAMETERS)]
    if not found:
        raise InputError(
            "the notebook has no parameters cell",
            hint=f"Tag the cell that assigns the parameters with {PARAMETERS!r} "
            "(JupyterLab: property inspector, cell tags).",
        )
    if len(found) > 1:
        numbers = ", ".join(str(number) for number, _ in found)
        raise InputError(f"the cells {numbers} are all tagged {PARAMETERS!r}", hint="Tag one cell only.")
    number, cell = found[0]
    return declared_in(cell.source, f"cell {number}")


def _tree(number: int, source: str) -> ast.Module:
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError as error:
        raise InputError(f"cell {number}, line {error.lineno}: {error.msg}", hint="Correct the cell.") from error


def _check_imports(number: int, tree: ast.Module) -> Iterator[str]:
    for name in _imported(tree):
        if name.split(".")[0] == "millstream" and not any(name == one or name.startswith(f"{one}.") for one in ALLOWED):
            raise InputError(
                f"cell {number} imports {name}", hint=f"A strategy notebook uses {' and '.join(ALLOWED)} only."
            )
        if name.split(".")[0] in HEAVY or name.startswith("millstream.research"):
            yield f"cell {number} imports {name} in a cell that also runs live; tag the cell {RESEARCH!r}"


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "millstream":
                yield from (f"millstream.{alias.name}" for alias in node.names)
            else:
                yield node.module


def _check_run(trees: list[tuple[int, ast.Module]]) -> tuple[ast.expr, ast.expr] | None:
    runs = [(number, call) for number, tree in trees for call in _runs(tree)]
    if not trees or not runs or runs[-1][0] != trees[-1][0]:
        raise InputError(
            "the last cell does not run the strategy",
            hint="End the notebook with a cell: await run(strategy, symbol, timeframe)",
        )
    if len(runs) > 1:
        raise InputError(f"the notebook calls run() {len(runs)} times", hint="Call it once, in the last cell.")
    call = runs[0][1]
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    arguments = [*call.args, *(named[name] for name in ("strategy", "symbol", "timeframe") if name in named)]
    return (arguments[1], arguments[2]) if len(arguments) == 3 else None


def _runs(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            function = node.value.func
            if getattr(function, "id", getattr(function, "attr", "")) == "run":
                yield node.value


def _value(argument: ast.expr, parameters: dict[str, Any]) -> Any:
    """The value of a parameter's name or of a constant, else ``None``."""
    if isinstance(argument, ast.Name):
        return parameters.get(argument.id)
    try:
        return ast.literal_eval(argument)
    except ValueError:
        return None
