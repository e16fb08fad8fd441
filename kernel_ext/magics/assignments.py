"""``NAME=VALUE`` words of a line and ``NAME = VALUE`` lines of a cell as parameters."""

import ast
import json
from collections.abc import Iterable, Mapping
from typing import Any

from millstream.contracts.errors import InputError


def pairs(words: Iterable[str]) -> dict[str, str]:
    """The words as names and texts. Raises :class:`InputError` for what is no ``NAME=VALUE``, or is there twice."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"{word!r} is not NAME=VALUE", hint="Write for example fast=10, without spaces.")
        if name.strip() in found:
            raise InputError(f"{name.strip()} is given twice", hint="Give each parameter once.")
        found[name.strip()] = value
    return found


def typed(texts: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, Any]:
    """The texts as values of the declared kinds; an unknown name passes, for the gateway to name a near one."""
    return {name: _value(value, kinds.get(name, "")) for name, value in texts.items()}


def _value(text: str, kind: str) -> Any:
    if kind == "str":
        return text
    try:
        return json.loads(text)
    except ValueError:
        pass  # a text without quotes, or a list without brackets
    return [_value(part.strip(), "") for part in text.split(",") if part.strip()] if kind == "list" else text


def expressions(cell: str) -> dict[str, str]:
    """Name and source of each ``NAME = …`` line of a cell. Raises :class:`InputError` for anything else."""
    try:
        tree = ast.parse(cell)
    except SyntaxError as error:
        raise InputError(f"line {error.lineno} of the cell: {error.msg}", hint=_CELL_HINT) from error
    found: dict[str, str] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = ast.unparse(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = ast.unparse(value)
            case _:
                raise InputError(f"line {statement.lineno} of the cell is not NAME = VALUE", hint=_CELL_HINT)
    return found


def literals(cell: str) -> dict[str, Any]:
    """The parameters that a cell gives, as values. Raises :class:`InputError` for what is not written out."""
    found: dict[str, Any] = {}
    for name, source in expressions(cell).items():
        try:
            found[name] = ast.literal_eval(source)
        except ValueError as error:
            raise InputError(f"{name} = {source} is not a value that is written out", hint=_CELL_HINT) from error
    return found


_CELL_HINT = "Write one NAME = VALUE a line, such as fast = 10; lines that begin with # are passed over."
