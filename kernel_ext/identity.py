"""One login for Jupyter, Voila and the gateway: a Jupyter identity provider that accepts the gateway's session."""

import re
import urllib.parse
from dataclasses import dataclass
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from traitlets import Unicode, default, validate

from millstream.contracts.api.identity import Me, Permission
from millstream.contracts.errors import ConfigurationError, RetriableError

from .gateway import GatewayIdentities, gateway_url
from .logins import Login, Logins

ACCESS_COOKIE = "millstream_access"
_BEARER = re.compile(r"bearer\s+(\S+)\s*", re.IGNORECASE)


@dataclass
class Person(User):
    """A person of Millstream. Jupyter shows these fields to the browser, so no token is among them."""

    role: str = ""
    permissions: tuple[str, ...] = ()
    language: str = "en"
    theme: str = "dark"

    def may(self, permission: Permission) -> bool:
        return permission.value in self.permissions


def person_of(me: Me) -> Person:
    """``me`` as Jupyter knows people."""
    return Person(
        username=me.user,
        name=me.name or me.user,
        initials="".join(word[0] for word in (me.name or me.user).split()[:2]).upper(),
        role=me.role.value,
        permissions=tuple(permission.value for permission in me.permissions),
        language=me.language,
        theme=me.theme,
    )


class MillstreamIdentityProvider(IdentityProvider):
    """Accepts who is logged in at the gateway, and nobody else: no password and no token of Jupyter's own.

    Raises :class:`ConfigurationError` when no gateway is configured.
    """

    url = Unicode(help="Address of the gateway; the default is MILLSTREAM_URL.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.url:
            raise ConfigurationError(
                "No gateway is configured, so nobody can log in",
                hint="Start this server with `millstream up`, or set MILLSTREAM_URL to the gateway's address.",
            )
        self._logins = Logins(GatewayIdentities(self.url))
        self.updatable_fields = []

    @default("url")
    def _url_default(self) -> str:
        return gateway_url()

    @default("token")
    def _token_default(self) -> str:
        return ""

    @validate("token")
    def _token_is_none(self, _: Any) -> str:
        """A static token of an option or a configuration file is never accepted."""
        return ""

    @property
    def logins(self) -> Logins:
        """The logins of this server."""
        return self._logins

    def cookie_of(self, handler: Any) -> str:
        """Name of the cookie that holds a browser's login here; cookies ignore ports, so the port is part of it."""
        return "millstream_screen_" + re.sub(r"[^A-Za-z0-9]", "_", str(handler.request.host))

    async def get_user(self, handler: Any) -> User | None:
        found = getattr(handler, "_jupyter_current_user", None)
        if isinstance(found, Person):
            return found
        try:
            me = await self._identify(handler)
        except RetriableError as error:
            raise web.HTTPError(503, f"{error}. {error.hint}", reason="Gateway not reachable") from error
        if me is None:
            return None
        if Permission.READ not in me.permissions:
            raise web.HTTPError(403, f"{me.user} may not read here: ask an admin for a role that may.")
        return person_of(me)

    async def _identify(self, handler: Any) -> Me | None:
        """Who asks. A bearer token is explicit and decides alone; else the gateway's cookie, else this server's."""
        bearer = _BEARER.fullmatch(handler.request.headers.get("Authorization", ""))
        if bearer:
            handler.millstream_token = bearer.group(1)
            # Tells Jupyter that no browser's cookie counts, so that its check against forged requests can be left out.
            handler._token_authenticated = True  # noqa: SLF001 - jupyter_server's own providers set it so
            return await self.logins.me(bearer.group(1))
        held = await self.logins.of_key(handler.get_cookie(self.cookie_of(handler), ""))
        access = handler.get_cookie(ACCESS_COOKIE, "")
        me = await self.logins.me(access) if access else None
        if me is not None and (held is None or held[0].user != me.user):
            if held is not None:
                self.logins.end(held[0].key)
            return self._welcome(handler, await self.logins.begin(access, me), me)
        if held is None:
            return None
        handler.millstream_token = held[0].token
        return held[1]

    def _welcome(self, handler: Any, login: Login | None, me: Me) -> Me | None:
        if login is None:
            return None
        handler.set_cookie(
            self.cookie_of(handler),
            login.key,
            path=handler.base_url,
            httponly=True,
            samesite="Lax",
            secure=handler.request.protocol == "https",
        )
        handler.millstream_token = login.token
        return me

    def forget(self, handler: Any) -> None:
        """End this browser's login here; its session at the gateway goes on."""
        name = self.cookie_of(handler)
        self.logins.end(handler.get_cookie(name, ""))
        handler.clear_cookie(name, path=handler.base_url)

    def get_handlers(self) -> list[tuple[str, object]]:
        # Named here and not by the traits: Voila passes a login form of its own.
        return [(r"/login", GatewayLoginHandler), (r"/logout", GatewayLogoutHandler)]


def token_of(handler: Any) -> str:
    """The token to act with for the person of this request: the delegated one, or the bearer they sent."""
    token: str = getattr(handler, "millstream_token", "")
    return token


class GatewayLoginHandler(JupyterHandler):
    """``/login``: to the gateway's page, which comes back here."""

    @allow_unauthenticated
    def get(self) -> None:
        """Redirect; ``next`` is a path of this server, anything else is left out."""
        wanted = self.get_argument("next", self.base_url)
        path = wanted if _is_own_path(wanted) else self.base_url
        here = f"{self.request.protocol}://{self.request.host}{path}"
        provider = self.identity_provider
        assert isinstance(provider, MillstreamIdentityProvider)  # noqa: S101 - narrows the type; it registered this handler
        self.redirect(f"{provider.url}/login?{urllib.parse.urlencode({'next': here})}")


class GatewayLogoutHandler(JupyterHandler):
    """``/logout``: ends the login here, then to the gateway, where the session ends."""

    @allow_unauthenticated
    def get(self) -> None:
        """Forget this browser and show the gateway's page."""
        provider = self.identity_provider
        assert isinstance(provider, MillstreamIdentityProvider)  # noqa: S101 - narrows the type; it registered this handler
        provider.forget(self)
        self.redirect(f"{provider.url}/logout")


def _is_own_path(path: str) -> bool:
    return path.startswith("/") and not path.startswith(("//", "/\\"))
