"""Examples of requests and answers, made from the schemas: the fields' own examples, defaults and kinds."""

import re
from typing import Any

_TEXTS = {
    "date-time": "2026-01-05T14:30:00Z",
    "password": "correct horse battery",
    "uri": "http://127.0.0.1/",
    "binary": "",
}
_CHOICES = re.compile(r"\^\((\w+)(?:\|\w+)*\)\$")
_DEEPEST = 6


def example(schema: dict[str, Any], schemas: dict[str, Any], *, whole: bool = True, depth: int = 0) -> Any:
    """A value that ``schema`` allows; ``schemas`` are what it may refer to.

    ``whole``: with every field; else with the required ones and those that have an example of their own.
    """
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, whole=whole, depth=depth + 1)
    for given in (schema.get("examples"), schema.get("enum")):
        if given:
            return given[0]
    if "const" in schema:
        return schema["const"]
    if schema.get("default") is not None and not isinstance(schema["default"], dict):
        return schema["default"]
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        return example(choices[0], schemas, whole=whole, depth=depth)
    return _of_kind(schema, schemas, whole=whole, depth=depth)


def _of_kind(schema: dict[str, Any], schemas: dict[str, Any], *, whole: bool, depth: int) -> Any:
    found: Any = None
    match schema.get("type"):
        case "object":
            found = _object(schema, schemas, whole=whole, depth=depth)
        case "array":
            items = schema.get("items", {})
            found = [] if depth > _DEEPEST else [example(items, schemas, whole=whole, depth=depth + 1)]
        case "integer":
            found = int(schema.get("minimum", 1))
        case "number":
            found = schema.get("minimum", schema.get("exclusiveMinimum", 0)) + 1
        case "boolean":
            found = True
        case "string":
            found = _text(schema)
    return found


def _object(schema: dict[str, Any], schemas: dict[str, Any], *, whole: bool, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        return {}
    required = set(schema.get("required", ()))
    return {
        name: example(field, schemas, whole=whole, depth=depth + 1)
        for name, field in schema.get("properties", {}).items()
        if whole or name in required or field.get("examples")
    }


def _text(schema: dict[str, Any]) -> str:
    found = _TEXTS.get(schema.get("format", ""))
    if found is None:
        choices = _CHOICES.fullmatch(schema.get("pattern", ""))
        # The other patterns without an example of their own are those of decimals.
        found = choices[1] if choices else "1" if "pattern" in schema else "text"
    return found.ljust(schema.get("minLength", 0), "x")
