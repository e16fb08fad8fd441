from collections.abc import AsyncIterator

import pytest
from support.gateway import GatewayApp, gateway_app

from millstream.gateway.idempotency import forget_old
from millstream.store.database import connect_sync

PATH = "/api/v1/instruments"
SPEC = {"exchange": "NYSE", "symbol": "GE", "currency": "USD"}


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    async with gateway_app(gateway_database, redis_url) as opened:
        yield opened


async def post(app: GatewayApp, headers: dict[str, str], key: str, spec: dict[str, str]):
    return await app.client.post(PATH, headers={**headers, "Idempotency-Key": key}, json=spec)


def rows(app: GatewayApp, text: str, *values: object) -> list[tuple[object, ...]]:
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        found = conn.execute(text.encode(), values)
        return found.fetchall() if found.description else []


async def test_command_sent_again_under_its_key_is_answered_and_not_repeated(app: GatewayApp):
    operator = app.login_as("operator")
    first = await post(app, operator, "one", SPEC)
    rows(app, "DELETE FROM instruments")
    second = await post(app, operator, "one", SPEC)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]
    assert rows(app, "SELECT 1 FROM instruments") == []


async def test_key_with_another_body_is_a_conflict(app: GatewayApp):
    operator = app.login_as("operator")
    await post(app, operator, "one", SPEC)
    answer = await post(app, operator, "one", SPEC | {"symbol": "GM"})
    assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_same_key_of_somebody_else_is_another_key(app: GatewayApp):
    await post(app, app.login_as("operator"), "one", SPEC)
    answer = await post(app, app.login_as("operator"), "one", SPEC | {"symbol": "GM"})
    assert answer.status_code == 201


async def test_key_whose_command_is_in_hand_says_when_to_come_back(app: GatewayApp):
    operator = app.login_as("operator")
    await post(app, operator, "one", SPEC)
    rows(app, "UPDATE idempotency SET status = NULL")
    busy = await post(app, operator, "one", SPEC)
    rows(app, "UPDATE idempotency SET created_at = now() - interval '3 minutes'")
    taken_over = await post(app, operator, "one", SPEC)

    assert (busy.status_code, busy.headers["Retry-After"]) == (409, "1")
    assert taken_over.status_code == 201, "the gateway that began it has ended"


async def test_refused_command_leaves_its_key_free(app: GatewayApp):
    viewer, operator = app.person("viewer"), app.login_as("operator")
    assert (await post(app, viewer.headers, "one", SPEC)).status_code == 403
    assert (await post(app, operator, "two", SPEC | {"symbol": ""})).status_code == 422
    assert rows(app, "SELECT 1 FROM idempotency") == []
    assert (await post(app, operator, "two", SPEC)).status_code == 201


async def test_key_counts_for_a_day_and_is_then_forgotten(app: GatewayApp):
    operator = app.login_as("operator")
    await post(app, operator, "one", SPEC)
    rows(app, "UPDATE idempotency SET created_at = now() - interval '25 hours'")
    other = await post(app, operator, "one", SPEC | {"symbol": "GM"})
    assert other.status_code == 201
    rows(app, "UPDATE idempotency SET created_at = now() - interval '25 hours'")
    assert await app.gateway.database(forget_old) == 1


@pytest.mark.parametrize("key", ["x" * 129, "with space", "ä"])
async def test_key_that_is_none_is_refused(app: GatewayApp, key: str):
    headers = {**app.login_as("operator"), "Idempotency-Key": key.encode()}
    answer = await app.client.post(PATH, headers=headers, json=SPEC)
    assert answer.status_code == 422


async def test_secret_answer_is_not_stored_and_not_given_twice(app: GatewayApp):
    headers = {**app.login_as("trader"), "Idempotency-Key": "one"}
    body = {"name": "mine", "scopes": ["read"]}
    first = await app.client.post("/api/v1/keys", headers=headers, json=body)
    second = await app.client.post("/api/v1/keys", headers=headers, json=body)

    assert first.json()["key"]
    assert (second.status_code, second.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert rows(app, "SELECT length(body) FROM idempotency") == [(0,)]
