"""``Routes``: a router on which no route can be declared without the permission that it needs."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from ..contracts.api.identity import Permission
from . import etag, idempotency
from .auth.access import require
from .openapi import declared_problems

API = "/api/v1"
Handler = Callable[..., Any]


class ReadRoute(APIRoute):
    """A route whose answer has an ``ETag``, and is ``304`` for those who have it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read(request: Request) -> Response:
            return etag.conditional(request, await handle(request))

        return read


class CommandRoute(APIRoute):
    """A route whose answer is kept under the request's idempotency key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def command(request: Request) -> Response:
            try:
                response = etag.tagged(request, await handle(request))
            except idempotency.Stored as before:
                return before.response
            except BaseException:
                await idempotency.settle(request, None)
                raise
            await idempotency.settle(request, response)
            return response

        return command


class Routes(APIRouter):
    """An ``APIRouter`` whose decorators demand a permission: deny by default.

    The permission stands in the OpenAPI document as ``x-permission``, and ``operation_id`` names the method of the
    client that calls the route. Every route declares the problems that it may answer.
    """

    def route_with(
        self,
        method: str,
        path: str,
        permission: Permission,
        operation_id: str,
        *,
        kind: type[APIRoute] = ReadRoute,
        **options: Any,
    ) -> Callable[[Handler], Handler]:
        """Declare a route of ``kind``; ``options`` are FastAPI's."""

        def add(handler: Handler) -> Handler:
            self.add_api_route(
                path,
                handler,
                methods=[method],
                operation_id=operation_id,
                dependencies=[Depends(require(permission)), *options.pop("dependencies", ())],
                openapi_extra={"x-permission": permission.value, **options.pop("openapi_extra", {})},
                responses={**declared_problems(method, path), **options.pop("responses", {})},
                route_class_override=kind,
                **options,
            )
            return handler

        return add

    def read(
        self, path: str, permission: Permission, operation_id: str, **options: Any
    ) -> Callable[[Handler], Handler]:
        """A GET route."""
        return self.route_with("GET", path, permission, operation_id, **options)

    def command(
        self, path: str, permission: Permission, operation_id: str, *, method: str = "POST", **options: Any
    ) -> Callable[[Handler], Handler]:
        """A route that changes something; it takes an ``Idempotency-Key`` and is audited by its handler."""
        dependencies = [Depends(idempotency.claim), *options.pop("dependencies", ())]
        return self.route_with(
            method, path, permission, operation_id, kind=CommandRoute, dependencies=dependencies, **options
        )
