"""Log in at the OpenID Connect provider: there (``/oidc/login``) and back (``/oidc/callback``)."""

import hmac
from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ...contracts.api.identity import Permission
from ..auth.access import require
from ..auth.cookies import is_secure, set_cookies
from ..auth.identity import identity_of
from ..auth.login import Caller
from ..auth.provider import STATE_SECONDS, Provider, failed
from ..auth.strangers import enter
from ..auth.tokens import Claims, TokenError, Use
from ..context import gateway_of
from ..problems import ProblemError
from ..screens import own_address, safe_next
from .page import explained, led_to, render

STATE_COOKIE = "millstream_oidc"
PATH = "/oidc"
CALLBACK = f"{PATH}/callback"

router = APIRouter(dependencies=[Depends(require(Permission.PUBLIC))])


@router.get(f"{PATH}/login")
async def begin(request: Request) -> Response:
    """Send the browser to the provider, with what must come back kept in a signed cookie."""
    following = safe_next(request, request.query_params.get("next", ""))
    try:
        await Caller(request).count()
        begun = await _provider(request).begin()
    except ProblemError as error:
        return _back(request, following, error)
    response = led_to(begun.address)
    state = identity_of(request).tokens.issue(
        Use.OIDC, "", "", STATE_SECONDS, state=begun.state, nonce=begun.nonce, verifier=begun.verifier, next=following
    )
    # Lax: the provider leads back from another site.
    response.set_cookie(
        STATE_COOKIE, state, max_age=STATE_SECONDS, path=PATH, secure=is_secure(request), httponly=True, samesite="lax"
    )
    return response


@router.get(CALLBACK)
async def finish(request: Request) -> Response:
    """The browser comes back: check that this login began here, and open the session."""
    following = "/"
    try:
        claims = _kept(request)
        following = safe_next(request, str(claims.extra["next"]))
        stranger = await _provider(request).finish(
            _code(request, claims), str(claims.extra["nonce"]), str(claims.extra["verifier"])
        )
        entered = await enter(request, stranger)
    except ProblemError as error:
        return _back(request, following, error)
    after = f"/second-factor?next={quote(following, safe='')}" if entered.tokens.enrol_second_factor else following
    response = led_to(after)
    set_cookies(request, response, entered)
    response.delete_cookie(STATE_COOKIE, path=PATH, secure=is_secure(request), httponly=True, samesite="lax")
    return response


def _provider(request: Request) -> Provider:
    gateway = gateway_of(request)
    if not gateway.settings.oidc_issuer:
        raise HTTPException(404)
    return Provider(gateway.settings, gateway.clock, f"{own_address(request)}{CALLBACK}")


def _kept(request: Request) -> Claims:
    try:
        return identity_of(request).tokens.read(request.cookies.get(STATE_COOKIE, ""), Use.OIDC)
    except TokenError as error:
        raise failed("no login began in this browser, or too long ago") from error


def _code(request: Request, claims: Claims) -> str:
    given, wanted = request.query_params.get("state", ""), str(claims.extra["state"])
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise failed("it answers a login that another page began")
    code = request.query_params.get("code", "")
    if not code:
        raise failed(request.query_params.get("error", "it gave no code")[:200])
    return code


def _back(request: Request, following: str, error: ProblemError) -> Response:
    return render(
        request,
        "login.html",
        following=following,
        problem=explained(request, error),
        notice="",
        user="",
        provider=True,
        status=error.status,
    )
