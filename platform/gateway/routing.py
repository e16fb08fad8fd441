"""``Routes``: a router on which no route can be declared without the permission that it needs."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends

from ..contracts.api.identity import Permission
from .auth.access import require

API = "/api/v1"
Handler = Callable[..., Any]


class Routes(APIRouter):
    """An ``APIRouter`` whose decorators demand a permission: deny by default.

    The permission stands in the OpenAPI document as ``x-permission``, and ``operation_id`` names the method of the
    client that calls the route.
    """

    def route_with(
        self, method: str, path: str, permission: Permission, operation_id: str, **options: Any
    ) -> Callable[[Handler], Handler]:
        """Declare a route; ``options`` are FastAPI's."""
        return self.api_route(
            path,
            methods=[method],
            operation_id=operation_id,
            dependencies=[Depends(require(permission)), *options.pop("dependencies", ())],
            openapi_extra={"x-permission": permission.value, **options.pop("openapi_extra", {})},
            **options,
        )

    def read(
        self, path: str, permission: Permission, operation_id: str, **options: Any
    ) -> Callable[[Handler], Handler]:
        """A GET route."""
        return self.route_with("GET", path, permission, operation_id, **options)

    def command(
        self, path: str, permission: Permission, operation_id: str, *, method: str = "POST", **options: Any
    ) -> Callable[[Handler], Handler]:
        """A route that changes something; it takes an ``Idempotency-Key`` and is audited by its handler."""
        return self.route_with(method, path, permission, operation_id, **options)
