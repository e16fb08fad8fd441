"""Every event of every topic survives the wire, whatever its field values."""

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


def values(kind: Any) -> st.SearchStrategy[Any]:
    """A strategy for one msgspec type of a field."""
    match kind:
        case msgspec.inspect.IntType():
            return integers
        case msgspec.inspect.StrType():
            return texts
        case msgspec.inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.DecimalType():
            return decimals
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.EnumType():
            return st.sampled_from(list(kind.cls))
        case msgspec.inspect.LiteralType():
            return st.sampled_from(list(kind.values))
        case msgspec.inspect.UnionType():
            return st.one_of([values(part) for part in kind.types])
        case msgspec.inspect.DictType():
            return st.dictionaries(values(kind.key_type), values(kind.value_type), max_size=3)
        case msgspec.inspect.VarTupleType():
            return st.lists(values(kind.item_type), max_size=3).map(tuple)
        case msgspec.inspect.StructType():
            return structs(kind.cls)
    message = f"no strategy for {kind!r}: add one"
    raise TypeError(message)


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
