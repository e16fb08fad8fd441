"""One description of every operation: how its arguments become a request, and what its answer is.

An :class:`Operation` does no I/O. As an attribute of a client it is that client's method: it takes the fields of its
parameters as keyword arguments, or one object of them, and gives a coroutine (:class:`AsyncClient`) or the answer
itself (:class:`Client`).
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload
from urllib.parse import quote

from pydantic import BaseModel, SecretStr
from pydantic_core import to_json

API = "/api/v1"
_NAMED = re.compile(r"{(\w+)}")

P = ParamSpec("P")
M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One request. ``repeatable`` tells whether it may be sent again when nobody knows what became of it."""

    operation: str
    method: str
    path: str
    answer: Any
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)  # it may hold a password
    repeatable: bool = True

    @property
    def is_command(self) -> bool:
        return self.method != "GET"


class AsyncCaller(Protocol):
    """What an operation needs of an asynchronous client."""

    async def call(self, call: Call[T]) -> T:
        """Send it and give the answer."""


class SyncCaller(Protocol):
    """What an operation needs of a blocking client."""

    def call_blocking(self, call: Call[T]) -> T:
        """Send it, wait, and give the answer."""


class AsyncMethod(Protocol[P, M_contra, T_co]):
    """An operation of an asynchronous client: keyword arguments, or one object that holds them."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T_co]: ...
    @overload
    def __call__(self, parameters: M_contra, /) -> Coroutine[Any, Any, T_co]: ...


class SyncMethod(Protocol[P, M_contra, T_co]):
    """An operation of a blocking client: keyword arguments, or one object that holds them."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    def __call__(self, parameters: M_contra, /) -> T_co: ...


class Operation(Generic[P, M, T]):
    """An operation of the API whose parameters are the fields of one class.

    Fields that the path names go there; those of a pydantic model become the JSON body (only the given ones), those of
    a dataclass the query. ``repeatable=False`` marks what must not be sent twice.
    """

    name = ""

    def __init__(
        self,
        method: str,
        path: str,
        parameters: Callable[P, M],
        answer: Callable[..., T],
        doc: str,
        *,
        repeatable: bool = True,
    ) -> None:
        self.method = method
        self.path = path
        self.parameters: Callable[..., Any] = parameters
        self.answer = answer
        self.repeatable = repeatable
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, client: None, owner: type) -> "Operation[P, M, T]": ...
    @overload
    def __get__(self, client: AsyncCaller, owner: type) -> AsyncMethod[P, M, T]: ...
    @overload
    def __get__(self, client: SyncCaller, owner: type) -> SyncMethod[P, M, T]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self if client is None else _bound(self, client)

    def request(self, *args: Any, **kwargs: Any) -> Call[T]:
        """The request for these arguments. Raises :class:`TypeError` for unknown ones, as a function does."""
        given = args[0] if _is_parameters(self.parameters, args) else self.parameters(*args, **kwargs)
        if isinstance(given, BaseModel):
            return self._call({}, (), to_json(_revealed(given)))
        values = {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}
        chosen = {one.name: values[one.name] for one in dataclasses.fields(given) if values[one.name] != one.default}
        return self._call(values, tuple(_pairs(chosen, self.named)), None)

    @property
    def signature(self) -> inspect.Signature:
        """What a caller may give."""
        return inspect.signature(self.parameters).replace(return_annotation=self.answer)

    @property
    def named(self) -> frozenset[str]:
        """Parameters that stand in the path."""
        return frozenset(_NAMED.findall(self.path))

    def _call(self, values: Mapping[str, Any], query: tuple[tuple[str, str], ...], body: bytes | None) -> Call[T]:
        path = API + self.path.format_map({name: quote(_text(values[name]), safe=":@") for name in self.named})
        return Call(self.name, self.method, path, self.answer, query, body, self.repeatable)


class OperationOn(Operation[Concatenate[str, P], M, T]):
    """An operation with a body on the one thing that its path names: that comes first, then the fields of the body."""

    def __init__(self, method: str, path: str, parameters: Callable[P, M], answer: Callable[..., T], doc: str) -> None:
        # The name that its methods take first belongs to the path, not to the parameters.
        super().__init__(method, path, cast("Callable[Concatenate[str, P], M]", parameters), answer, doc)

    @property
    def signature(self) -> inspect.Signature:
        """The name of the thing, then the fields."""
        fields = super().signature
        things = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in self.named]
        return fields.replace(parameters=[*things, *fields.parameters.values()])

    def request(self, *args: Any, **kwargs: Any) -> Call[T]:
        [name] = self.named
        target, rest = (kwargs.pop(name), args) if name in kwargs else (args[0], args[1:])
        given = rest[0] if _is_parameters(self.parameters, rest) else self.parameters(*rest, **kwargs)
        return self._call({name: target}, (), to_json(_revealed(given)))


def _bound(operation: Operation[Any, Any, T], client: Any) -> Any:
    """The method of ``client``, with the name, documentation and signature of the operation."""
    blocking = hasattr(client, "call_blocking")

    def method(*args: Any, **kwargs: Any) -> Any:
        call = operation.request(*args, **kwargs)
        return client.call_blocking(call) if blocking else client.call(call)

    method.__name__ = operation.name
    method.__doc__ = operation.__doc__
    method.__signature__ = operation.signature  # type: ignore[attr-defined] # what help and completion show
    return method


def _is_parameters(parameters: Any, args: tuple[Any, ...]) -> bool:
    return len(args) == 1 and isinstance(parameters, type) and isinstance(args[0], parameters)


def _revealed(model: BaseModel) -> dict[str, Any]:
    """The given fields of ``model``; a secret is sent as what it is."""
    fields = model.model_dump(exclude_unset=True)
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in fields.items()}


def _pairs(fields: Mapping[str, Any], named: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if name in named or value is None:
            continue
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        for one in several:
            yield name, _text(one)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a time needs its time zone: datetime(…, tzinfo=UTC)")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
