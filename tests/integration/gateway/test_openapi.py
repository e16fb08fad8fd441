"""The description is what clients are made from: complete, with examples, problems and permissions."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.gateway import GatewayApp, gateway_app

from millstream.contracts.api.identity import Permission

PUBLIC = {"login", "refresh", "setup"}


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    async with gateway_app(gateway_database, redis_url) as opened:
        yield opened


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, item in document["paths"].items() for method, one in item.items()]


async def test_description_names_every_operation_once_with_a_permission_and_its_problems(app: GatewayApp):
    answer = await app.client.get("/api/openapi.json")
    found = operations(answer.json())
    names = [one["operationId"] for _, _, one in found]

    assert answer.status_code == 200
    assert len(names) == len(set(names)) > 50
    for path, method, one in found:
        where = f"{method} {path}"
        assert Permission(one["x-permission"]), where
        assert one.get("summary") or one.get("description"), where
        assert bool(one["security"]) is (one["x-permission"] != "public"), where
        wanted = {"401", "403", "422", "429", "500", "503"} | (set() if method == "get" else {"409", "413"})
        assert wanted <= set(one["responses"]), where
        for status in wanted:
            assert list(one["responses"][status]["content"]) == ["application/problem+json"], (where, status)


async def test_description_gives_examples_of_what_people_send(app: GatewayApp):
    document = (await app.client.get("/api/openapi.json")).json()
    for path, method, one in operations(document):
        body = one.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            assert "example" in body, f"{method} {path}"
    body = document["paths"]["/api/v1/instruments"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"] == {"exchange": "SAMPLE", "symbol": "AAPL", "currency": "USD"}


async def test_commands_take_an_idempotency_key_and_reads_have_a_tag(app: GatewayApp):
    document = (await app.client.get("/api/openapi.json")).json()
    for path, method, one in operations(document):
        headers = {parameter["name"] for parameter in one.get("parameters", ()) if parameter["in"] == "header"}
        if method == "get":
            assert "304" in one["responses"], path
        else:
            assert "Idempotency-Key" in headers, f"{method} {path}"


async def test_page_of_the_description_loads_nothing_from_elsewhere(app: GatewayApp):
    page = await app.client.get("/api/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for operation in ("place_order", "register_instrument", "halt"):
        assert operation in page.text
    assert "<script" not in page.text
    for loading in ("src=", "@import", "url(", "<link"):
        assert loading not in page.text
