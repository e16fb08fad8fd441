"""JSON Schemas of the topics, and the rule by which they may change.

``python -m millstream.contracts.schema`` writes them beside this module. A new field needs a default; nothing is
renamed, retyped or removed: :func:`incompatibilities` finds what breaks that.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from .codec import TOPIC_TYPES

SCHEMAS = Path(__file__).parent / "schemas"


def topic_schema(topic: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of everything that may stand on ``topic``, its definitions under ``$defs``."""
    (schema,), components = msgspec.json.schema_components([TOPIC_TYPES[topic]], ref_template="#/$defs/{name}")
    for definition in components.values():
        if "description" in definition:  # Python 3.13 strips the indentation of docstrings, 3.11 does not
            definition["description"] = inspect.cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": topic,
        **schema,
        "$defs": components,
    }


def render(topic: str) -> str:
    """The text of a committed schema file."""
    return json.dumps(topic_schema(topic), indent=2, sort_keys=True) + "\n"


def incompatibilities(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What in ``new`` would break a reader or a stored message of ``old``; empty when nothing would."""
    found: list[str] = []
    for name, definition in old.get("$defs", {}).items():
        if name not in new.get("$defs", {}):
            found.append(f"{name} was removed or renamed")
            continue
        found += _definition_changes(name, definition, new["$defs"][name])
    return found


def _definition_changes(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    found = []
    if "enum" in old:
        found += [f"{name}: value {value!r} was removed" for value in old["enum"] if value not in new.get("enum", [])]
    fields, fresh = old.get("properties", {}), new.get("properties", {})
    for field, schema in fields.items():
        if field not in fresh:
            found.append(f"{name}.{field} was removed or renamed")
        elif _shape(schema) != _shape(fresh[field]):
            found.append(f"{name}.{field} changed its type")
    was_required = set(old.get("required", []))
    for field in new.get("required", []):
        if field not in fields:
            found.append(f"{name}.{field} is new and has no default")
        elif field not in was_required:
            found.append(f"{name}.{field} lost its default")
    return found


def _shape(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"default", "description", "title"}}


def write(folder: Path = SCHEMAS) -> None:
    """Write every topic's schema into ``folder``."""
    folder.mkdir(exist_ok=True)
    for topic in TOPIC_TYPES:
        (folder / f"{topic}.json").write_text(render(topic))


if __name__ == "__main__":
    write()
