"""The gateway as this server's source of identity, through the typed client."""

import os
from typing import TYPE_CHECKING

from millstream.contracts.api.identity import Me

if TYPE_CHECKING:
    from millstream.client import AsyncClient

URL_VARIABLE = "MILLSTREAM_URL"


def gateway_url() -> str:
    """The gateway's address from ``MILLSTREAM_URL``, without a trailing slash; empty where none is configured."""
    return os.environ.get(URL_VARIABLE, "").rstrip("/")


class GatewayIdentities:
    """:class:`millstream_kernel.logins.Identities` of the gateway at ``url``. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        import httpx

        # All calls share the connections, which live as long as the server does.
        self._transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=20))
        self._url = url

    async def me(self, token: str) -> Me | None:
        from millstream.client import AuthenticationError

        try:
            return await self._acting(token).me()
        except AuthenticationError:
            return None

    async def delegate(self, token: str) -> str | None:
        from millstream.client import AuthenticationError, PermissionDeniedError

        try:
            delegation = await self._acting(token).delegate()
        except (AuthenticationError, PermissionDeniedError):
            return None
        return delegation.access_token

    def _acting(self, token: str) -> "AsyncClient":
        from millstream.client import AsyncClient

        return AsyncClient(self._url, token, transport=self._transport)
