"""A typed client of the gateway, for programs, notebooks, the command line and the screens."""

from .blocking import Client
from .client import AsyncClient
from .environment import is_configured
from .errors import (
    ApiConflictError,
    ApiError,
    ApiFatalError,
    ApiInputError,
    ApiNotFoundError,
    ApiRetriableError,
    AuthenticationError,
    GatewayUnreachableError,
    PermissionDeniedError,
)
from .live import Reconnecting
from .subscriptions import LiveEvent, Snapshot, Subscription, Update
from .watching import Watch

__all__ = [
    "ApiConflictError",
    "ApiError",
    "ApiFatalError",
    "ApiInputError",
    "ApiNotFoundError",
    "ApiRetriableError",
    "AsyncClient",
    "AuthenticationError",
    "Client",
    "GatewayUnreachableError",
    "LiveEvent",
    "PermissionDeniedError",
    "Reconnecting",
    "Snapshot",
    "Subscription",
    "Update",
    "Watch",
    "is_configured",
]
