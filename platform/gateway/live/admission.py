"""Who may connect, and whether they still may: the live side of ``gateway.auth``."""

from types import SimpleNamespace
from typing import Any, NamedTuple

from starlette.requests import HTTPConnection

from ...contracts.api.identity import Permission
from ...contracts.errors import MillstreamError
from ..auth.access import Principal, authenticate
from ..auth.identity import Identity
from ..auth.limiting import Bucket
from ..auth.permissions import permitted
from ..context import Gateway
from ..guard.addresses import Networks, Origin
from ..problems import ProblemError
from .protocol import CloseCode
from .tickets import Tickets

_CODES = {401: CloseCode.UNAUTHENTICATED, 403: CloseCode.FORBIDDEN, 429: CloseCode.LIMIT}


class Knock(NamedTuple):
    """What a connection shows: its ticket, the headers ``Authorization`` and ``X-Forwarded-For``, and its address."""

    ticket: str
    authorization: str
    forwarded: str
    peer: str


class NotAdmittedError(MillstreamError):
    """A connection is not let in; ``code`` is the one it is closed with."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason, hint="Ask GET /api/v1/live for a new ticket.")
        self.code = code


class Admission:
    """Asks ``gateway.auth`` about tickets, headers and standings."""

    def __init__(self, gateway: Gateway, tickets: Tickets) -> None:
        self._identity = Identity(gateway)
        self._tickets = tickets
        self._origin = Origin(gateway.settings)
        self._allowed = Networks(gateway.settings.allowed_addresses, "MILLSTREAM_ALLOWED_ADDRESSES")
        self._app = SimpleNamespace(state=SimpleNamespace(gateway=gateway, identity=self._identity))

    async def admit(self, knock: Knock) -> Principal:
        """Who may connect. Raises :class:`NotAdmittedError`, and what database and Redis raise when they are away."""
        address = self._address(knock)
        try:
            await self._identity.limiter.count(Bucket.ADDRESS, address)
            found = await (self._tickets.redeem(knock.ticket) if knock.ticket else self._by_header(knock, address))
        except ProblemError as error:
            code = _CODES.get(error.status, CloseCode.GOING_AWAY)
            raise NotAdmittedError(code, error.title) from error
        if found is None or not await self.stands(found):
            raise NotAdmittedError(CloseCode.UNAUTHENTICATED, "log in, and ask for a new ticket")
        if not found.may(Permission.READ):
            raise NotAdmittedError(CloseCode.FORBIDDEN, "this needs the permission 'read'")
        return found

    async def stands(self, principal: Principal) -> bool:
        """Whether the session or key still counts, with the same rights."""
        standings = self._identity.standings
        standing = await (standings.key(principal.key) if principal.key else standings.session(principal.session))
        if standing is None or standing.user != principal.user or standing.portfolios != principal.portfolios:
            return False
        rights = permitted(
            standing.role, enrolled=standing.enrolled, second_factor=standing.second_factor, scopes=standing.scopes
        )
        return rights == principal.permissions

    def _address(self, knock: Knock) -> str:
        headers = [(b"x-forwarded-for", knock.forwarded.encode("latin-1", "replace"))] if knock.forwarded else []
        address, _ = self._origin.of({"client": (knock.peer, 0), "headers": headers, "scheme": "ws"})
        if self._allowed and address not in self._allowed:
            raise NotAdmittedError(CloseCode.FORBIDDEN, "this address may not connect")
        return address

    async def _by_header(self, knock: Knock, address: str) -> Principal:
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/live",
            "headers": [(b"authorization", knock.authorization.encode("latin-1", "replace"))],
            "client": (knock.peer, 0),
            "state": {"address": address},
            "app": self._app,
        }
        return await authenticate(HTTPConnection(scope))
