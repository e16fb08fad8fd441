"""Deny by default: every route of the application, as every role."""

import asyncio
import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from support.gateway import GatewayApp, gateway_app

from millstream.contracts.api.identity import Permission, Role
from millstream.gateway.auth.access import Require
from millstream.gateway.auth.permissions import GRANTS
from millstream.gateway.routing import API

# Outside the API: what probes and the API's readers ask without a login.
OPEN = {"/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/docs"}
PUBLIC = {"login", "refresh", "setup"}


def permission_of(route: RouteContext) -> Permission | None:
    """What the route declares; None where it declares nothing."""
    dependant = getattr(route, "dependant", None)
    found = (
        [one.call.permission for one in dependant.dependencies if isinstance(one.call, Require)] if dependant else []
    )
    return found[0] if found else None


def undeclared(app: FastAPI) -> list[str]:
    """Routes that anybody could call because nobody said who may."""
    every = list(iter_route_contexts(app.routes))
    assert len(every) > 50
    return [route.path for route in every if route.path not in OPEN and permission_of(route) is None]


async def status_of(app: GatewayApp, method: str, path: str, headers: dict[str, str]) -> int:
    """The status alone: a stream has no end to wait for."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    body = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if body:
            return body.pop()
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and not started.done():
            started.set_result(message["status"])

    raw = {"host": "127.0.0.1", "content-type": "application/json", **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in raw.items()],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 80),
    }
    task = asyncio.create_task(app.app(scope, receive, send))
    await asyncio.wait({task, started}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return started.result()


def calls(app: GatewayApp) -> list[tuple[str, str, str, Permission]]:
    """Operation, method, path and permission of each route of the API."""
    found = [
        (route.operation_id, method, re.sub(r"{[^}]+}", "1", route.path), permission_of(route))
        for route in iter_route_contexts(app.app.routes)
        if route.path.startswith(API)
        for method in sorted(route.methods)
    ]
    assert len(found) > 40
    return found


async def test_every_route_declares_who_may_call_it(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url) as app:
        assert undeclared(app.app) == []
        assert {name for name, _, _, permission in calls(app) if permission is Permission.PUBLIC} == PUBLIC


async def test_a_route_without_a_permission_is_found(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url) as app:

        async def forgotten() -> dict[str, str]:
            return {}

        app.app.add_api_route("/api/v1/forgotten", forgotten)
        assert undeclared(app.app) == ["/api/v1/forgotten"]


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_reaches_the_routes_that_it_is_granted_and_no_other(
    gateway_database: str, redis_url: str, role: Role
):
    async with gateway_app(gateway_database, redis_url) as app:
        wrong = []
        for name, method, path, permission in calls(app):
            status = await status_of(app, method, path, app.login_as(role))
            allowed = permission is Permission.PUBLIC or permission in GRANTS[role]
            if (status in {401, 403}) == allowed and not (permission is Permission.PUBLIC and status == 401):
                wrong.append((name, permission, status))
        assert wrong == []


async def test_nobody_reaches_a_route_that_is_not_public(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url) as app:
        wrong = []
        for name, method, path, permission in calls(app):
            status = await status_of(app, method, path, {})
            if permission is not Permission.PUBLIC and status != 401:
                wrong.append((name, status))
        assert wrong == []
