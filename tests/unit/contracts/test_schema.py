"""The committed JSON Schemas are what the code says, and only compatible changes pass."""

import copy
import json
from typing import Any

import pytest

from millstream.contracts.codec import TOPIC_TYPES
from millstream.contracts.schema import SCHEMAS, incompatibilities, render, topic_schema
from millstream.contracts.topics import TOPICS


def committed(topic: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{topic}.json").read_text())
    return loaded


def test_topic_table_and_codec_know_the_same_topics() -> None:
    assert set(TOPICS) == set(TOPIC_TYPES)


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_change_against_the_committed_schema_is_compatible(topic: str) -> None:
    assert incompatibilities(committed(topic), topic_schema(topic)) == []


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_committed_schema_is_up_to_date(topic: str) -> None:
    assert (SCHEMAS / f"{topic}.json").read_text() == render(topic), "run: python -m millstream.contracts.schema"


def test_no_schema_is_left_of_a_topic_that_is_gone() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(TOPICS)


def changed(topic: str, definition: str) -> tuple[dict[str, Any], dict[str, Any]]:
    new = copy.deepcopy(committed(topic))
    fields: dict[str, Any] = new["$defs"][definition]
    return new, fields


def test_removed_field_is_refused() -> None:
    new, definition = changed("orders.fills", "OrderFilled")
    del definition["properties"]["fee"]
    assert incompatibilities(committed("orders.fills"), new) == ["OrderFilled.fee was removed or renamed"]


def test_retyped_field_is_refused() -> None:
    new, definition = changed("orders.fills", "OrderFilled")
    definition["properties"]["ts"] = {"type": "string"}
    assert incompatibilities(committed("orders.fills"), new) == ["OrderFilled.ts changed its type"]


def test_new_field_without_default_is_refused_and_with_default_passes() -> None:
    new, definition = changed("orders.fills", "OrderFilled")
    definition["properties"]["extra"] = {"type": "string"}
    assert incompatibilities(committed("orders.fills"), new) == []
    definition["required"].append("extra")
    assert incompatibilities(committed("orders.fills"), new) == ["OrderFilled.extra is new and has no default"]


def test_default_taken_away_is_refused() -> None:
    new, definition = changed("orders.fills", "OrderFilled")
    definition["required"].append("late")
    assert incompatibilities(committed("orders.fills"), new) == ["OrderFilled.late lost its default"]


def test_removed_enum_value_and_removed_event_are_refused() -> None:
    new, definition = changed("orders.fills", "Side")
    definition["enum"].remove("buy")
    assert incompatibilities(committed("orders.fills"), new) == ["Side: value 'buy' was removed"]
    new, _ = changed("orders.intents", "CancelIntent")
    del new["$defs"]["CancelIntent"]
    assert "CancelIntent was removed or renamed" in incompatibilities(committed("orders.intents"), new)
