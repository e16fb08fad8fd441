"""What a request carries to prove who makes it: a bearer token, an API key, or the browser's cookies."""

import hashlib
import hmac
import re
import secrets

import msgspec
from starlette.requests import HTTPConnection

from ..problems import ProblemError
from .keyring import Keyring

ACCESS_COOKIE = "millstream_access"
REFRESH_COOKIE = "millstream_refresh"
CSRF_COOKIE = "millstream_csrf"
CSRF_HEADER = "X-CSRF-Token"
REFRESH_PATH = "/api/v1/session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

KEY_PREFIX = "ms_"
_KEY = re.compile(r"ms_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


class Credential(msgspec.Struct, frozen=True):
    """The token as it was sent; ``cookie`` says that a browser sent it by itself."""

    token: str
    cookie: bool


def presented(connection: HTTPConnection) -> Credential | None:
    """The credential of a request; the header wins over the cookie. None: there is none."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Credential(token.strip(), cookie=False)
    cookie = connection.cookies.get(ACCESS_COOKIE)
    return Credential(cookie, cookie=True) if cookie else None


def unauthenticated(detail: str = "") -> ProblemError:
    """401. It says nothing about which part of a credential was wrong."""
    return ProblemError(
        401,
        "UNAUTHENTICATED",
        "You are not logged in",
        detail or "There is no valid token, API key or session cookie in the request.",
        "Log in at /login, or send a token: Authorization: Bearer …",
        headers={"WWW-Authenticate": 'Bearer realm="millstream"'},
    )


def forbidden(detail: str, hint: str = "") -> ProblemError:
    """403: known, but not allowed."""
    return ProblemError(
        403, "FORBIDDEN", "You may not do this", detail, hint, headers={"WWW-Authenticate": 'Bearer realm="millstream"'}
    )


def csrf_token(keyring: Keyring, session: str) -> str:
    """The token that belongs to a session: a foreign site can neither read nor make it."""
    return hmac.digest(keyring.derive("csrf"), session.encode(), hashlib.sha256).hex()


def check_csrf(connection: HTTPConnection, keyring: Keyring, session: str, sent: str | None = None) -> None:
    """Refuse an unsafe request that a browser may have been tricked into (403, code ``CSRF``).

    Double submit: the header (or ``sent``, a form's field) equals the cookie, and both belong to the session.
    """
    given = connection.headers.get(CSRF_HEADER, "") if sent is None else sent
    cookie = connection.cookies.get(CSRF_COOKIE, "")
    wanted = csrf_token(keyring, session)
    if not (
        hmac.compare_digest(given.encode(), wanted.encode()) and hmac.compare_digest(cookie.encode(), wanted.encode())
    ):
        raise ProblemError(
            403,
            "CSRF",
            "The request does not come from a page of Millstream",
            f"A request with the session cookie needs the header {CSRF_HEADER} with the value of {CSRF_COOKIE}.",
            "Send the header, or use a token in Authorization instead of the cookie.",
        )


def new_key() -> tuple[str, str, str]:
    """A new API key: its id, the key itself (to be shown once) and the hash to keep of its 256-bit secret."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return key_id, f"{KEY_PREFIX}{key_id}_{secret}", hashed(secret)


def parse_key(token: str) -> tuple[str, str] | None:
    """Id and secret of an API key; None when it has not the form of one."""
    match = _KEY.fullmatch(token)
    return (match[1], match[2]) if match else None


def hashed(secret: str) -> str:
    """SHA-256 in hexadecimal; enough for random secrets, which cannot be guessed as passwords can."""
    return hashlib.sha256(secret.encode()).hexdigest()
