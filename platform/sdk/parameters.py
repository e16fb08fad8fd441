"""Typed, validated parameters: the annotations of a strategy class are its parameters.

Types: ``int``, ``float``, ``str``, ``bool``, ``Decimal``, ``Literal[…]``, ``X | None``, ``list[X]``, ``tuple[X, …]``;
bounds stand in ``Annotated[int, Ge(1), Le(200)]``.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from ..contracts.errors import InputError
from ..contracts.money import decimal
from .matching import near

MISSING: Any = object()
_BOOLS = (bool, np.bool_)


@dataclass(frozen=True, slots=True)
class Ge:
    """At least ``ge``."""

    ge: float


@dataclass(frozen=True, slots=True)
class Gt:
    """More than ``gt``."""

    gt: float


@dataclass(frozen=True, slots=True)
class Le:
    """At most ``le``."""

    le: float


@dataclass(frozen=True, slots=True)
class Lt:
    """Less than ``lt``."""

    lt: float


_BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "ge": ("at least", operator.ge),
    "gt": ("more than", operator.gt),
    "le": ("at most", operator.le),
    "lt": ("less than", operator.lt),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a strategy class. ``default`` is ``MISSING`` where the caller must give a value."""

    name: str
    kind: Any
    default: Any

    def check(self, value: Any, owner: str) -> Any:
        """``value`` as the declared type. Raises :class:`InputError` saying what was given and what is allowed."""
        try:
            return _coerce(value, self.kind)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise InputError(
                f"{owner}.{self.name} = {value!r}: {error}", hint=f"{self.name} must be {describe(self.kind)}."
            ) from error


def parameters_of(cls: type) -> dict[str, Parameter]:
    """The parameters of a strategy class in the order of their declaration, base classes last."""
    hints = get_type_hints(cls, include_extras=True)
    own = [name for base in cls.__mro__ for name in vars(base).get("__annotations__", {})]
    return {
        name: Parameter(name, hints[name], getattr(cls, name, MISSING))
        for name in dict.fromkeys(own)
        if not name.startswith("_") and get_origin(hints[name]) is not ClassVar and hints[name] is not ClassVar
    }


def bind(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Values of all parameters of ``cls``: given ones checked, the others by default. Raises :class:`InputError`."""
    parameters = parameters_of(cls)
    unknown = [name for name in given if name not in parameters]
    if unknown:
        raise InputError(
            f"{cls.__name__} has no parameter {unknown[0]!r}",
            hint=f"{near(unknown[0], parameters)}Its parameters are {', '.join(parameters)}.",
        )
    values = {name: given.get(name, parameter.default) for name, parameter in parameters.items()}
    missing = [name for name, value in values.items() if value is MISSING]
    if missing:
        raise InputError(
            f"{cls.__name__} needs a value for {missing[0]!r}",
            hint=f"Write {cls.__name__}({missing[0]}=…) or give the parameter a default in the class.",
        )
    return {name: parameters[name].check(value, cls.__name__) for name, value in values.items()}


def describe(kind: Any) -> str:
    """A declared type in words, bounds included."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return " and ".join([describe(args[0]), *(f"{words} {limit}" for words, _, limit in _bounds(args[1:]))])
    if origin in {Union, UnionType}:
        return " or ".join(describe(arg) for arg in args)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin in {list, tuple}:
        return f"a list of values, each {describe(args[0])}" if args else "a list"
    return _NAMES.get(kind, getattr(kind, "__name__", str(kind)))


def _coerce(value: Any, kind: Any) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _within(_coerce(value, args[0]), args[1:])
    if origin in {Union, UnionType}:
        return _either(value, args)
    if origin is Literal:
        return _one_of(value, args)
    if origin in {list, tuple} or kind in {list, tuple}:
        return _items(value, origin or kind, args)
    if kind not in _SCALARS:
        raise TypeError(f"parameters of type {kind!r} are not supported")
    return _SCALARS[kind](value)


def _within(value: Any, metadata: tuple[Any, ...]) -> Any:
    for words, holds, limit in _bounds(metadata):
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if item is not None and not holds(item, limit):
                raise ValueError(f"must be {words} {limit}")
    return value


def _bounds(metadata: tuple[Any, ...]) -> list[tuple[str, Callable[[Any, Any], bool], Any]]:
    return [
        (words, holds, getattr(bound, name))
        for bound in metadata
        for name, (words, holds) in _BOUNDS.items()
        if getattr(bound, name, None) is not None
    ]


def _either(value: Any, kinds: tuple[Any, ...]) -> Any:
    if value is None and NoneType in kinds:
        return None
    faults = []
    for kind in kinds:
        if kind is NoneType:
            continue
        try:
            return _coerce(value, kind)
        except (ValueError, TypeError, ArithmeticError) as fault:
            faults.append(str(fault))
    raise ValueError("; ".join(faults))


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    for candidate in allowed:
        if value == candidate and isinstance(value, _BOOLS) == isinstance(candidate, bool):
            return candidate
    hint = near(value, [item for item in allowed if isinstance(item, str)]) if isinstance(value, str) else ""
    raise ValueError(f"is not one of {', '.join(map(repr, allowed))}. {hint}".strip())


def _items(value: Any, container: Any, args: tuple[Any, ...]) -> Any:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise TypeError("is not a list")
    return container(_coerce(item, args[0]) if args else item for item in value)


def _integer(value: Any) -> int:
    if isinstance(value, _BOOLS):
        raise TypeError("is a bool, not an integer")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"is a {type(value).__name__}, not an integer") from None


def _number(value: Any) -> float:
    if isinstance(value, (*_BOOLS, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"is a {type(value).__name__}, not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


def _decimal(value: Any) -> Decimal:
    if isinstance(value, _BOOLS):
        raise TypeError("is a bool, not a number")
    return decimal(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"is a {type(value).__name__}, not a text")
    return value


def _truth(value: Any) -> bool:
    if isinstance(value, _BOOLS):
        return bool(value)
    raise TypeError(f"is a {type(value).__name__}, not True or False")


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    int: _integer,
    float: _number,
    Decimal: _decimal,
    str: _text,
    bool: _truth,
}
_NAMES = {
    int: "an integer",
    float: "a number",
    Decimal: "a decimal number",
    str: "a text",
    bool: "True or False",
    NoneType: "None",
}
