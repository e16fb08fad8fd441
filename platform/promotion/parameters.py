"""The parameters of a notebook: declared by its parameters cell, bound to what the user gives.

Names reach generated code in papermill: only identifiers that the notebook declares are taken, and only JSON scalars or
lists of them as values.
"""

import ast
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from ..contracts.errors import InputError
from ..sdk.matching import near

Scalar = bool | int | float | str | None
_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a text", list: "a list"}
_ANNOTATIONS: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str, "list": list}


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter with its default.

    ``kind`` is what a value must be (``None``: any scalar), ``element`` what the elements of a list must be.
    """

    name: str
    default: Any
    kind: type | None = None
    element: type | None = None
    optional: bool = False

    def check(self, value: Any) -> Any:
        """``value`` as it is stored. Raises :class:`InputError` where it is not what the parameter takes."""
        if value is None and self.optional:
            return None
        if self.kind is list:
            if not isinstance(value, list | tuple):
                raise self._mistyped(value)
            return [self._scalar(item, self.element) for item in value]
        return self._scalar(value, self.kind)

    def parse(self, text: str) -> Any:
        """The value that ``text`` (of a command line) means."""
        if self.kind is str:
            return text
        if self.kind is list:
            return self.check(self._list(text))
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except ValueError:
            value = text
        return self.check(value)

    def _list(self, text: str) -> Any:
        if text.lstrip().startswith("["):
            try:
                return json.loads(text, parse_constant=_no_constant)
            except ValueError as error:
                raise self._mistyped(text) from error
        parts = [part.strip() for part in text.split(",") if part.strip()]
        single = Declared(name=self.name, default=None, kind=self.element)
        return [single.parse(part) for part in parts]

    def _scalar(self, value: Any, kind: type | None) -> Scalar:
        if isinstance(value, float) and not math.isfinite(value):
            raise self._mistyped(value)
        if kind is None:
            if value is None or isinstance(value, bool | int | float | str):
                return value
        elif kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        elif type(value) is kind:
            return cast("Scalar", value)
        raise self._mistyped(value)

    def _mistyped(self, value: Any) -> InputError:
        expected = _NAMES[self.kind] if self.kind is not None else "a number, a text, true, false or null"
        if self.kind is list and self.element is not None:
            expected = f"a list, each element {_NAMES[self.element]}"
        return InputError(
            f"the parameter {self.name} = {value!r} is not {expected}",
            hint=f"The notebook declares {self.name} = {self.default!r}. Its default decides the type: "
            "write 1.0 there to take fractions.",
        )


def bind(declared: Sequence[Declared], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every declared parameter with its given or default value. Raises :class:`InputError` for what does not fit."""
    known = {one.name: one for one in declared}
    for name in given:
        _known(name, known)
    return {name: one.check(given[name]) if name in given else one.default for name, one in known.items()}


def parse_assignments(declared: Sequence[Declared], texts: Iterable[str]) -> dict[str, Any]:
    """``NAME=VALUE`` texts of a command line as values. Raises :class:`InputError`."""
    known = {one.name: one for one in declared}
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise InputError(f"{text!r} is not NAME=VALUE", hint="Write for example -p fast=10.")
        if name in values:
            raise InputError(f"the parameter {name} is given twice", hint="Give each parameter once.")
        values[name] = _known(name, known).parse(value)
    return values


def declared_in(source: str, cell: str) -> tuple[Declared, ...]:
    """The parameters that the source of a parameters cell declares. ``cell`` names it in errors."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise InputError(f"{cell}, line {error.lineno}: {error.msg}", hint="Correct the cell.") from error
    found: dict[str, Declared] = {}
    for statement in tree.body:
        for one in _declared(statement, cell):
            if one.name in found:
                raise InputError(f"{cell} declares {one.name} twice", hint="Declare each parameter once.")
            found[one.name] = one
    return tuple(found.values())


def _known(name: str, known: Mapping[str, Declared]) -> Declared:
    if name not in known:
        declares = f"It declares {', '.join(known)}." if known else "Its parameters cell declares none."
        raise InputError(f"the notebook has no parameter {name!r}", hint=f"{near(name, known)}{declares}")
    return known[name]


def _declared(statement: ast.stmt, cell: str) -> list[Declared]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [_of(name, value, None, cell)]
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
            pairs = zip(names, values, strict=True)
            return [_of(name.id, value, None, cell) for name, value in pairs if isinstance(name, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value, annotation=annotation):
            return [_of(name, value, annotation, cell)]
        case ast.Expr(value=ast.Constant(value=str())):
            return []
        case _:
            raise InputError(
                f"{cell}, line {statement.lineno}: a parameters cell only assigns constants to names",
                hint="Move everything else into the next cell.",
            )


def _of(name: str, value: ast.expr, annotation: ast.expr | None, cell: str) -> Declared:
    try:
        default = ast.literal_eval(value)
    except ValueError as error:
        raise _no_parameter(name, value, cell) from error
    if isinstance(default, tuple):
        default = list(default)
    if not isinstance(default, bool | int | float | str | list | None):
        raise _no_parameter(name, value, cell)
    kind, element, optional = _kinds(default, annotation)
    one = Declared(name=name, default=default, kind=kind, element=element, optional=optional)
    return msgspec.structs.replace(one, default=one.check(default))


def _no_parameter(name: str, value: ast.expr, cell: str) -> InputError:
    return InputError(
        f"{cell}, line {value.lineno}: {name} is not a constant that a parameter may be",
        hint="Parameters are numbers, texts, true, false, null, or lists of them.",
    )


def _kinds(default: Any, annotation: ast.expr | None) -> tuple[type | None, type | None, bool]:
    named = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set()
    optional = default is None or any(
        isinstance(node, ast.Constant) and node.value is None for node in ast.walk(annotation or ast.Pass())
    )
    if isinstance(default, list) or "list" in named:
        elements = {type(item) for item in default or ()}
        inner = {_ANNOTATIONS[name] for name in named - {"list"} if name in _ANNOTATIONS}
        found = inner or ({float} if elements == {int, float} else elements)
        return list, found.pop() if len(found) == 1 else None, optional
    annotated = [_ANNOTATIONS[name] for name in ("float", "int", "bool", "str") if name in named]
    if annotated:
        return annotated[0], None, optional
    return (None if default is None else type(default)), None, optional


def _no_constant(name: str) -> Any:
    msg = f"{name} is not a JSON value"
    raise ValueError(msg)
