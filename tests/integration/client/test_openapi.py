"""The client and the gateway's own description of itself agree, operation by operation."""

import inspect
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from millstream.client.calls import API, Operation, OperationOn
from millstream.client.operations import Operations
from millstream.gateway.app import create_app
from millstream.gateway.context import Gateway
from millstream.ops.clock import WallClock
from millstream.ops.settings import Settings

# `AsyncClient.live` and `Client.live` use these two themselves, or need only the first.
STREAMS = {"live", "events"}
PAGING = {"limit", "cursor"}
CLIENT = {name: value for name, value in inspect.getmembers(Operations) if isinstance(value, Operation)}


@pytest.fixture(scope="module")
def described() -> dict[str, dict[str, Any]]:
    """Operation id → its description with method and path."""
    nothing: Any = None  # a description needs no servers
    gateway = Gateway(Settings(_env_file=None), nothing, WallClock(), nothing, nothing, nothing)
    document = create_app(gateway).openapi()
    return {
        one["operationId"]: {
            **one,
            "method": method.upper(),
            "path": path,
            "schemas": document["components"]["schemas"],
        }
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }


def parameters(one: dict[str, Any], place: str) -> set[str]:
    return {found["name"] for found in one.get("parameters", []) if found["in"] == place}


def model_name(schema: dict[str, Any]) -> str:
    """The name of a schema, through the union with null that an optional body is."""
    several = schema.get("anyOf", [schema])
    return next((found["$ref"].rpartition("/")[2] for found in several if "$ref" in found), "")


def test_every_operation_of_the_gateway_has_a_client_method_and_the_other_way_round(described):
    assert set(described) - STREAMS == set(CLIENT)


@pytest.mark.parametrize("name", sorted(CLIENT))
def test_an_operation_asks_as_the_gateway_describes_it(described, name):
    operation, one = CLIENT[name], described[name]
    assert (operation.method, API + operation.path) == (one["method"], one["path"].replace(":path}", "}"))
    assert operation.named == parameters(one, "path")
    if inspect.isclass(operation.parameters) and issubclass(operation.parameters, BaseModel):
        body = one["requestBody"]["content"]["application/json"]["schema"]
        assert model_name(body) == operation.parameters.__name__
        assert isinstance(operation, OperationOn) == bool(operation.named)
    else:
        assert "requestBody" not in one
        offered = set(operation.signature.parameters) - operation.named
        assert parameters(one, "query") <= offered
        assert offered - parameters(one, "query") <= PAGING


@pytest.mark.parametrize("name", sorted(CLIENT))
def test_an_operation_answers_as_the_gateway_describes_it(described, name):
    operation, one = CLIENT[name], described[name]
    content = next(found["content"] for status, found in one["responses"].items() if status.startswith("2"))
    if operation.answer is str:
        assert "application/json" not in content or name == "read_executed_notebook"
        return
    schema = content["application/json"]["schema"]
    title = one["schemas"][model_name(schema)].get("title", model_name(schema))
    assert title == TypeAdapter(operation.answer).json_schema()["title"]
