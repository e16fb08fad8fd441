"""Every event of every topic survives the wire, whatever its field values."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.contracts import codec
from millstream.contracts.topics import TOPICS

EVENTS = [(topic, kind) for topic in sorted(TOPICS) for kind in codec.event_types(topic)]
decimals = st.decimals(allow_nan=False, allow_infinity=False)
integers = st.integers(min_value=-(2**63), max_value=2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]))


BY_TYPE: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
    msgspec.inspect.IntType: lambda _: integers,
    msgspec.inspect.StrType: lambda _: texts,
    msgspec.inspect.FloatType: lambda _: st.floats(allow_nan=False, allow_infinity=False),
    msgspec.inspect.BoolType: lambda _: st.booleans(),
    msgspec.inspect.DecimalType: lambda _: decimals,
    msgspec.inspect.NoneType: lambda _: st.none(),
    msgspec.inspect.EnumType: lambda kind: st.sampled_from(list(kind.cls)),
    msgspec.inspect.LiteralType: lambda kind: st.sampled_from(list(kind.values)),
    msgspec.inspect.UnionType: lambda kind: st.one_of([values(part) for part in kind.types]),
    msgspec.inspect.DictType: lambda kind: st.dictionaries(values(kind.key_type), values(kind.value_type), max_size=3),
    msgspec.inspect.VarTupleType: lambda kind: st.lists(values(kind.item_type), max_size=3).map(tuple),
    msgspec.inspect.StructType: lambda kind: structs(kind.cls),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """A strategy for one msgspec type of a field; a type without one is a KeyError, not a gap."""
    return BY_TYPE[type(kind)](kind)


def structs(cls: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    fields = {field.name: values(field.type) for field in info.fields}
    if "schema_version" in fields:
        fields["schema_version"] = st.just(1)
    return st.builds(cls, **fields)


@pytest.mark.parametrize(("topic", "kind"), EVENTS, ids=lambda value: getattr(value, "__name__", value))
def test_event_encoded_and_decoded_is_equal(topic: str, kind: type[Any]) -> None:
    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(structs(kind))
    def round_trip(event: Any) -> None:
        assert codec.decode(topic, codec.encode(event)) == event

    round_trip()
