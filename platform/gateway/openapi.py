"""The OpenAPI document of the gateway: problems that every route declares, how to log in, tags of answers."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ..contracts.api.base import Problem
from . import docs_page
from .examples import example
from .problems import MEDIA_TYPE

PATH = "/api/openapi.json"
DOCS = "/api/docs"
_READS = (401, 403, 404, 414, 421, 422, 429, 500, 503)
_COMMANDS = (400, 401, 403, 404, 409, 412, 413, 414, 415, 421, 422, 429, 500, 503)
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token, or an API key (`ms_…`)."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "millstream_access",
        "description": "Set by the login; unsafe methods also need the header X-CSRF-Token.",
    },
}
_DESCRIPTION = """Everything a person does from a screen, over HTTP.

Lists answer pages: go on with `cursor` = `next` of the page before. Reads have an `ETag`; send it as `If-None-Match` to
get `304` when nothing changed. Commands take an `Idempotency-Key`: sent again under their key they are answered, not
repeated. Errors are problem details (RFC 9457) with a stable `code` and a `hint` that says what to do. Money and
quantities are decimals written as strings; times are RFC 3339 in UTC."""


def declared_problems(method: str, path: str) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer, for FastAPI's ``responses``."""
    del path
    return declared(*(_READS if method == "GET" else _COMMANDS))


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as problems, for FastAPI's ``responses``."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
        for status in statuses
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, made anew."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary="A Jupyter-native research and live-trading platform",
        description=_DESCRIPTION,
        routes=app.routes,
    )
    components = made.setdefault("components", {})
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    components["schemas"] = {**components.get("schemas", {}), **schema.pop("$defs", {}), "Problem": schema}
    components["securitySchemes"] = _SECURITY
    for operations in made["paths"].values():
        for method, operation in operations.items():
            _complete(method, operation)
            _illustrate(operation, components["schemas"])
    return made


def _complete(method: str, operation: dict[str, Any]) -> None:
    public = operation.get("x-permission") == "public"
    operation["security"] = [] if public else [{name: []} for name in _SECURITY]
    if method != "get":
        return
    tag = {"description": "Of this content; send it back as If-None-Match.", "schema": {"type": "string"}}
    answered = operation["responses"].get("200")
    if answered is not None:
        answered.setdefault("headers", {})["ETag"] = tag
        operation["responses"]["304"] = {"description": "What If-None-Match names is the newest."}


def _illustrate(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Examples of what is sent and answered."""
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if sent is not None:
        sent.setdefault("example", example(sent["schema"], schemas, whole=False))
    for status, answered in operation["responses"].items():
        content = answered.get("content", {}).get("application/json")
        if content is not None and content.get("schema") and status.startswith("2"):
            content.setdefault("example", example(content["schema"], schemas))


def install(app: FastAPI) -> None:
    """Serve the description of ``app``: it says nothing about anybody, so anybody may read it."""

    def made_once() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    async def describe(request: Request) -> Response:
        del request
        return JSONResponse(app.openapi())

    async def show(request: Request) -> Response:
        del request
        return HTMLResponse(docs_page.page(app.openapi()), headers={"Content-Security-Policy": docs_page.POLICY})

    app.openapi = made_once  # type: ignore[method-assign]
    app.add_route(PATH, describe, methods=["GET"], include_in_schema=False)
    app.add_route(DOCS, show, methods=["GET"], include_in_schema=False)
