"""Who makes a request, and whether they may: the dependencies of every route."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from fastapi import Depends
from starlette.requests import HTTPConnection

from ...contracts.api.identity import Permission, Role


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. ``portfolios`` restricts what they may see and act on, empty: all.

    ``session`` is the login session (empty for an API key, whose id is ``key``); ``address`` where they are.
    """

    user: str
    role: Role
    permissions: frozenset[Permission]
    portfolios: frozenset[str] = frozenset()
    session: str = ""
    key: str = ""
    second_factor: bool = False
    address: str = ""

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def sees(self, portfolio: str) -> bool:
        """Whether ``portfolio`` is one of theirs; what they do not see answers 404."""
        return not self.portfolios or portfolio in self.portfolios


def principal_of(connection: HTTPConnection) -> Principal:
    """Who makes this request: set by :func:`require` before a handler runs."""
    found: Principal = connection.state.principal
    return found


Asking = Annotated[Principal, Depends(principal_of)]


def require(permission: Permission) -> Callable[[HTTPConnection], Awaitable[None]]:
    """A dependency that lets only those pass who have ``permission``."""
    raise NotImplementedError(permission)
