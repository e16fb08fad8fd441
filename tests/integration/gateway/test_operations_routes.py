import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from support.gateway import GatewayApp, gateway_app
from support.strategies import code, cross, save

from millstream.gateway.auth.access import Principal
from millstream.gateway.commands.operations import Step, fail_left_over
from millstream.gateway.context import Connection
from millstream.market.sample import import_sample
from millstream.market.sessions import create_replay
from millstream.store.database import connect_sync

API = "/api/v1"


@pytest.fixture
async def app(gateway_database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[GatewayApp]:
    async with gateway_app(gateway_database, redis_url, bus="redis", workspace=tmp_path) as opened:
        # The kernel of a promotion finds the servers by the settings.
        urls = {"database_url": SecretStr(gateway_database), "redis_url": SecretStr(redis_url)}
        opened.gateway.settings = opened.gateway.settings.model_copy(update=urls)
        yield opened
        await opened.app.state.operations.close()


async def ended(app: GatewayApp, operation: str, headers: dict[str, str], seconds: float = 120.0) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        while True:
            answer = await app.client.get(f"{API}/operations/{operation}", headers=headers)
            found: dict[str, Any] = answer.json()
            if found["state"] != "running":
                return found
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_promotion_is_followed_step_by_step_to_its_deployment(app: GatewayApp, tmp_path: Path):
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        import_sample(conn)
        create_replay(conn, ["SAMPLE:AAPL"], "1d", session_id="replay-1")
    save(cross(), tmp_path / "cross.ipynb")
    researcher = app.person("researcher")
    body = {"notebook": "cross.ipynb", "parameters": {"fast": 4}, "capital": "7000"}
    answer = await app.client.post(f"{API}/promotions", headers=researcher.headers, json=body)
    begun = answer.json()
    other = await app.client.get(f"{API}/operations/{begun['operation_id']}", headers=app.login_as("admin"))
    done = await ended(app, begun["operation_id"], researcher.headers)

    assert (answer.status_code, begun["state"], begun["kind"]) == (202, "running", "promotion")
    assert other.status_code == 404, "somebody else's"
    assert done["state"] == "done", done
    assert [step.partition(":")[0] for step in done["steps"]] == ["inspect", "bundle", "execute", "register", "deploy"]
    assert done["result"]["deployment"] == "cross"
    assert (done["result"]["author"], done["result"]["equity"]) == (researcher.user, "7000")
    assert done["result"]["parameters"]["fast"] == 4

    with connect_sync(app.gateway.endpoints.database_url) as conn:
        ((digest,),) = conn.execute("SELECT manifest->>'notebook_sha256' FROM releases").fetchall()
        rows = conn.execute(
            "SELECT action, subject, actor, address, details FROM audit WHERE starts_with(action, 'promotion')"
            " ORDER BY sequence"
        ).fetchall()
    asked = {"target": "paper", "parameters": {"fast": 4}, "capital": "7000", "sha256": digest}
    assert rows == [
        (
            "promotion.start",
            "notebook:cross.ipynb",
            researcher.user,
            "127.0.0.1",
            asked | {"operation": begun["operation_id"]},
        ),
        (
            "promotion.done",
            "release:cross@1",
            researcher.user,
            "127.0.0.1",
            {"deployment": "cross", "notebook": "cross.ipynb"},
        ),
    ]


@pytest.mark.slow
async def test_promotion_that_fails_ends_with_the_problem_that_says_what_to_change(app: GatewayApp, tmp_path: Path):
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        import_sample(conn)
    save(cross([code("raise ValueError('no')")]), tmp_path / "cross.ipynb")
    headers = app.login_as("researcher")
    answer = await app.client.post(f"{API}/promotions", headers=headers, json={"notebook": "cross.ipynb"})
    failed = await ended(app, answer.json()["operation_id"], headers)

    assert (failed["state"], failed["problem"]["status"]) == ("failed", 422)
    assert "ValueError: no" in failed["problem"]["detail"]


async def test_promotion_that_can_be_seen_to_be_wrong_is_refused_at_once(app: GatewayApp, tmp_path: Path):
    save(cross(), tmp_path / "cross.ipynb")
    headers = app.login_as("researcher")
    for more, status in (
        ({"parameters": {"fsat": 3}}, 422),
        ({"limits": {"max_order": 1}}, 422),
        ({"target": "live"}, 403),
        ({"capital": "0"}, 422),
    ):
        answer = await app.client.post(f"{API}/promotions", headers=headers, json={"notebook": "cross.ipynb"} | more)
        assert answer.status_code == status, (more, answer.text)


def unnoted(conn: Connection, operation: str) -> None:
    """No audit row: nobody asked for this operation."""


def somebody() -> Principal:
    return Principal(user="me", role="researcher", permissions=frozenset())  # type: ignore[arg-type]


async def test_operation_of_a_gateway_that_ended_is_failed(app: GatewayApp):
    operations, gateway = app.app.state.operations, app.gateway
    begun = asyncio.Event()

    async def never(step: Step) -> dict[str, Any]:
        step("waiting")
        begun.set()
        await asyncio.Event().wait()
        return {}

    first = await operations.start("test", somebody(), never, unnoted)
    await begun.wait()
    await operations.close()
    second = await gateway.database(
        lambda conn: conn.execute(
            "INSERT INTO operations VALUES ('left', 'test', 'me', 'running', '{}', NULL, NULL, now(), NULL)"
            " RETURNING operation_id"
        ).fetchone()
    )
    assert second == ("left",)
    assert await gateway.database(fail_left_over) == 1
    with connect_sync(gateway.endpoints.database_url) as conn:
        rows = conn.execute(
            "SELECT operation_id, state, steps, problem ->> 'code' FROM operations ORDER BY created_at"
        ).fetchall()
    assert rows == [
        (first.operation_id, "failed", ["waiting"], "GATEWAY_RESTARTED"),
        ("left", "failed", [], "GATEWAY_RESTARTED"),
    ]


@pytest.mark.parametrize(
    ("error", "code"), [(ZeroDivisionError("secret"), "INTERNAL"), (psycopg.OperationalError("gone"), "UNAVAILABLE")]
)
async def test_operation_that_fails_unexpectedly_is_on_record(app: GatewayApp, error: Exception, code: str):
    async def fail(step: Step) -> dict[str, Any]:
        raise error

    person = app.person("researcher")
    principal = Principal(user=person.user, role="researcher", permissions=frozenset())  # type: ignore[arg-type]
    operation = await app.app.state.operations.start("test", principal, fail, unnoted)
    found = await ended(app, operation.operation_id, person.headers)
    assert (found["state"], found["problem"]["code"]) == ("failed", code)
    assert bool(found["problem"]["reference"]) is (code == "INTERNAL")
    assert "secret" not in str(found)


async def test_person_has_at_most_four_operations_in_hand(app: GatewayApp):
    async def never(step: Step) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    operations = app.app.state.operations
    for _ in range(4):
        await operations.start("test", somebody(), never, unnoted)
    with pytest.raises(Exception, match="has 4 operations in hand"):
        await operations.start("test", somebody(), never, unnoted)


async def test_gateway_is_alive_and_not_ready_without_a_trading_service(app: GatewayApp):
    alive = await app.client.get("/healthz")
    ready = await app.client.get("/readyz")
    health = await app.client.get(f"{API}/health", headers=app.login_as("viewer"))

    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    checks = {one["name"]: one["ok"] for one in ready.json()["checks"]}
    assert (ready.status_code, checks) == (503, {"database": True, "redis": True, "bus": True, "trading": False})
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert {one["name"] for one in health.json()["checks"]} == {*checks, "supervisor", "market"}


async def test_gateway_is_ready_while_trading_is_at_work(app: GatewayApp):
    with connect_sync(app.gateway.endpoints.database_url, application_name="millstream-trading") as conn:
        conn.execute("SELECT 1")
        ready = await app.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ok"), ready.text


async def test_requests_are_counted_by_route_and_not_by_what_a_client_invents(app: GatewayApp):
    viewer = app.login_as("viewer")
    await app.client.get(f"{API}/instruments/X:Y", headers=viewer)
    await app.client.get(f"{API}/instruments/X:Z", headers=viewer)
    await app.client.request("INVENTED", "/some/path")
    text = (await app.client.get("/metrics")).text

    assert 'millstream_http_requests_total{operation="get_instrument",status="404"} 2.0' in text
    assert "INVENTED" not in text
    assert "X:Y" not in text
    for name in ("millstream_database_connections", "millstream_operations", "process_resident_memory_bytes"):
        assert name in text


def test_module_starts_without_the_supervisors_layer():
    """Importing the gateway must not draw in the runner."""
    check = "import sys, millstream.gateway.bootstrap; assert not any('millstream.runner' in m for m in sys.modules)"
    assert shutil.which(sys.executable)
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=True, timeout=60)
