from collections.abc import AsyncIterator

import psycopg
import pytest
import redis.exceptions
import structlog
from fastapi import FastAPI
from support.gateway import GatewayApp, gateway_app

from millstream.contracts.errors import ConflictError, FatalError, InputError, NotFoundError, RetriableError


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    async with gateway_app(gateway_database, redis_url) as opened:
        yield opened


def failing(app: FastAPI, error: Exception) -> str:
    async def fail() -> None:
        raise error

    app.add_api_route("/failing", fail)
    return "/failing"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFoundError("no", hint="look"), 404, "NOT_FOUND"),
        (ConflictError("no", hint="look"), 409, "CONFLICT"),
        (InputError("no", hint="look"), 422, "INVALID_INPUT"),
        (RetriableError("no", hint="look"), 503, "UNAVAILABLE"),
        (psycopg.OperationalError("password in here"), 503, "UNAVAILABLE"),
        (psycopg.DataError("no"), 422, "INVALID_INPUT"),
        (redis.exceptions.ConnectionError("no"), 503, "UNAVAILABLE"),
        (FatalError("secret state", hint="look"), 500, "INTERNAL"),
        (ZeroDivisionError("secret state"), 500, "INTERNAL"),
    ],
)
async def test_error_becomes_a_problem_that_says_what_to_do(app: GatewayApp, error, status, code):
    # Not rendered: structlog's own console writes a traceback with all locals, which takes seconds.
    with structlog.testing.capture_logs():
        answer = await app.client.get(failing(app.app, error))
    body = answer.json()

    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["instance"] == "/failing"
    assert body["title"]
    assert body["hint"]
    assert "secret" not in answer.text
    assert "password" not in answer.text
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert bool(body["reference"]) is (status == 500)
    assert body["reference"] in body["detail"]
    for name in ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy"):
        assert name in answer.headers, name


async def test_reference_of_an_unforeseen_error_finds_it_in_the_log(app: GatewayApp):
    with structlog.testing.capture_logs() as logs:
        answer = await app.client.get(failing(app.app, ZeroDivisionError("secret state")))
    (logged,) = [one for one in logs if one.get("reference") == answer.json()["reference"]]
    assert (logged["kind"], logged["path"], logged["error"]) == ("ZeroDivisionError", "/failing", "secret state")
    assert (
        'millstream_http_requests_total{operation="/failing",status="500"} 1.0'
        in (await app.client.get("/metrics")).text
    )


async def test_fields_that_are_wrong_are_named(app: GatewayApp):
    body = {"exchange": "NYSE", "symbol": "GE", "currency": "USD", "price_tick": "-1", "colour": "red"}
    answer = await app.client.post("/api/v1/instruments", headers=app.login_as("operator"), json=body)
    assert answer.status_code == 422
    assert {one["where"] for one in answer.json()["faults"]} == {"body.price_tick", "body.colour"}


async def test_body_that_is_no_json_and_a_lone_surrogate_are_refused(app: GatewayApp):
    headers = {**app.login_as("operator"), "content-type": "application/json"}
    for content in (b"{", b'{"exchange": "\\ud800", "symbol": "X", "currency": "USD"}', b"\xff"):
        answer = await app.client.post("/api/v1/instruments", headers=headers, content=content)
        assert answer.status_code in {400, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_unknown_address_and_method_are_problems(app: GatewayApp):
    missing = await app.client.get("/api/v1/nothing")
    method = await app.client.delete("/api/v1/instruments")
    assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
    assert (method.status_code, method.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_answer_that_is_known_is_not_sent_again(app: GatewayApp):
    viewer = app.login_as("viewer")
    first = await app.client.get("/api/v1/market-sessions", headers=viewer)
    again = await app.client.get("/api/v1/market-sessions", headers={**viewer, "If-None-Match": first.headers["etag"]})
    other = await app.client.get("/api/v1/market-sessions", headers={**viewer, "If-None-Match": '"else"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert other.status_code == 200
