"""The guard around the application: an ASGI middleware of small checks, the cheapest first.

Whatever happens inside is answered with a problem that has the security headers, errors that nobody foresaw too.
"""

from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...ops.settings import Settings
from ..auth.credentials import SAFE_METHODS, forbidden
from ..auth.identity import identity_of
from ..auth.limiting import Bucket, limits_of
from ..auth.provider import role_mapping
from ..context import Gateway
from ..problems import ProblemError, answer, internal
from .addresses import Hosts, Networks, Origin
from .headers import protected
from .sizes import check_declared, counted

# Probes ask often, and stopping everything must always work.
UNLIMITED = frozenset({"/healthz", "/readyz", "/metrics", "/api/v1/halts"})


class Started:
    """True once the answer of a request began."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._began = False

    def __bool__(self) -> bool:
        return self._began

    async def send(self, message: Message) -> None:
        self._began = True
        await self._send(message)


class Guard:
    """Lets a request pass that comes from an allowed network, under a known name, small enough and not too often."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._origin = Origin(settings)
        self._hosts = Hosts(settings)
        self._allowed = Networks(settings.allowed_addresses, "MILLSTREAM_ALLOWED_ADDRESSES")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address, scheme = self._origin.of(scope)
        scope["scheme"] = scheme
        connection = HTTPConnection(scope)
        connection.state.address = address
        started = Started(protected(connection, send))
        try:
            self._check(connection, address)
            check_declared(scope, self._settings)
            await self._count(connection, address)
            await self._app(scope, counted(receive, self._settings.body_limit), started.send)
        except Exception as error:
            problem = error if isinstance(error, ProblemError) else internal(error, path=scope["path"])
            if started:
                # Half an answer cannot be taken back: the server closes the connection.
                raise
            await answer(problem, scope["path"])(scope, receive, started.send)

    def _check(self, connection: HTTPConnection, address: str) -> None:
        if self._allowed and address not in self._allowed:
            raise forbidden(f"Your address {address} is not on the list of allowed ones.", "Ask the operator.")
        host = connection.headers.get("host", "")
        if host not in self._hosts:
            raise ProblemError(
                421,
                "UNKNOWN_HOST",
                "The gateway is not known under this name",
                f"The header Host says {host[:100]!r}.",
                "Set MILLSTREAM_PUBLIC_URL or MILLSTREAM_KNOWN_HOSTS to the names that people use.",
            )
        self._check_origin(connection, host)

    def _check_origin(self, connection: HTTPConnection, host: str) -> None:
        origin = connection.headers.get("origin")
        if origin is None or connection.scope["method"] in SAFE_METHODS:
            return
        if urlsplit(origin).netloc not in {host, urlsplit(self._settings.public_url).netloc} - {""}:
            raise ProblemError(
                403,
                "CROSS_ORIGIN",
                "A page of another site may not do this",
                f"The request comes from a page of {origin[:100]!r}.",
                "Behind a proxy, set MILLSTREAM_PUBLIC_URL to the address that people open.",
            )

    async def _count(self, connection: HTTPConnection, address: str) -> None:
        if connection.scope["path"] in UNLIMITED:
            return
        limiter = identity_of(connection).limiter
        await limiter.count(Bucket.ADDRESS, address)
        await limiter.count(Bucket.GLOBAL)


def install(app: FastAPI, gateway: Gateway) -> None:
    """Put the guard around ``app``. Raises :class:`ConfigurationError` at once for a setting that cannot be read."""
    settings = gateway.settings
    Guard(app, settings)
    limits_of(settings)
    role_mapping(settings)
    app.add_middleware(Guard, settings=settings)
