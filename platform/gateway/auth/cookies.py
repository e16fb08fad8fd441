"""The browser's side of a session: three cookies, set together and cleared together.

Only the CSRF cookie can be read by scripts. Cookies know no ports, so one login serves every screen of this host.
"""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ...contracts.time import to_datetime
from ..context import gateway_of
from .credentials import ACCESS_COOKIE, CSRF_COOKIE, REFRESH_COOKIE, REFRESH_PATH, csrf_token
from .identity import identity_of
from .login import Entered


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser speaks TLS with us; the guard has judged what a proxy says of it."""
    return connection.scope.get("scheme") in {"https", "wss"}


def set_cookies(connection: HTTPConnection, response: Response, entered: Entered) -> None:
    """Give the browser its session."""
    secure = is_secure(connection)
    left = (entered.opened.expires_at - to_datetime(gateway_of(connection).clock.now())).total_seconds()
    lasts = max(1, int(left))
    response.set_cookie(
        ACCESS_COOKIE,
        entered.tokens.access_token,
        max_age=entered.tokens.expires_in,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    response.set_cookie(
        REFRESH_COOKIE,
        entered.tokens.refresh_token,
        max_age=lasts,
        path=REFRESH_PATH,
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    response.set_cookie(
        CSRF_COOKIE,
        csrf_token(identity_of(connection).keyring, entered.opened.session),
        max_age=lasts,
        path="/",
        secure=secure,
        samesite="lax",
    )


def clear_cookies(connection: HTTPConnection, response: Response) -> None:
    """Take the browser's session away."""
    secure = is_secure(connection)
    response.delete_cookie(ACCESS_COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, secure=secure, httponly=True, samesite="strict")
    response.delete_cookie(CSRF_COOKIE, path="/", secure=secure, samesite="lax")


def wants_cookies(connection: HTTPConnection) -> bool:
    """Whether a page of our own asks: browsers say so themselves, and no script can."""
    return connection.headers.get("sec-fetch-site") == "same-origin"
