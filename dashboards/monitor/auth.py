"""Who asks: every page and every WebSocket of the monitor is checked with the gateway's login."""

from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import quote

from bokeh.server.auth_provider import AuthProvider
from tornado.web import HTTPError, RequestHandler

from millstream.contracts.errors import MillstreamError, RetriableError

from .gateway import Connect, Viewer

COOKIE = "millstream_access"
_PLACE = "millstream_viewer"


def viewer_of(request: Any) -> Viewer:
    """The viewer that :class:`GatewayAuth` found for this request."""
    return cast("Viewer", getattr(request, _PLACE))


class ToLogin(RequestHandler):
    """Sends a browser to the gateway's login page, which sends it back to the page it wanted."""

    gateway = ""

    def get(self) -> None:
        wanted = self.get_argument("next", "/")
        # Only a path of this server: never a way to somewhere else.
        path = wanted if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) else "/"
        back = f"{self.request.protocol}://{self.request.host}{path}"
        self.redirect(f"{self.gateway}/login?next={quote(back, safe='')}")


class GatewayAuth(AuthProvider):
    """Bokeh's hook: no session exists without a person whom the gateway knows, and no page without a session."""

    def __init__(self, connect: Connect, gateway: str) -> None:
        self._connect = connect
        # Bokeh wants a class and gives it no arguments.
        self._handler = type("Login", (ToLogin,), {"gateway": gateway})
        super().__init__()

    @property
    def get_user(self) -> None:
        return None

    @property
    def get_user_async(self) -> Callable[[Any], Awaitable[Any]]:
        return self._user

    @property
    def login_url(self) -> str:
        return "/login"

    @property
    def get_login_url(self) -> None:
        return None

    @property
    def login_handler(self) -> type[RequestHandler]:
        return self._handler

    @property
    def logout_url(self) -> None:
        return None

    @property
    def logout_handler(self) -> None:
        return None

    async def _user(self, handler: RequestHandler) -> str | None:
        """The name of the person behind the cookie, None when they must log in. Keeps the viewer with the request."""
        token = handler.get_cookie(COOKIE)
        if not token:
            return None
        try:
            async with self._connect(token) as client:
                me = await client.me()
                delegation = await client.delegate()
        except RetriableError as error:
            raise HTTPError(503, reason="The gateway does not answer. Try again in a moment.") from error
        except MillstreamError:
            return None
        setattr(handler.request, _PLACE, Viewer(me, delegation.access_token))
        return me.user
