"""Coming in and going out: ``/login``, ``/setup``, ``/second-factor``, ``/logout``."""

from urllib.parse import quote

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ...contracts.api.identity import Login, Permission, Preferences, SecondFactorOffer, Setup
from ...contracts.errors import InputError
from ...contracts.time import to_datetime
from ..auth import account, invitations, login, people, second_factor
from ..auth.access import Principal, authenticate, principal_of, require
from ..auth.cookies import clear_cookies, set_cookies
from ..auth.identity import identity_of
from ..context import Connection, gateway_of
from ..problems import ProblemError, problem_of
from ..screens import safe_next
from .language import preferred
from .page import RequireAtPage, explained, fields, led_to, render, visitor

router = APIRouter()
ANYBODY = [Depends(require(Permission.PUBLIC))]
VISITOR = [Depends(RequireAtPage(Permission.SELF))]


@router.get("/login", dependencies=ANYBODY)
async def login_page(request: Request) -> Response:
    """The form; who is logged in already goes on at once."""
    following = safe_next(request, request.query_params.get("next", ""))
    try:
        await authenticate(request)
    except ProblemError:
        return _login_form(request, following, notice=request.query_params.get("notice", ""))
    return led_to(following)


@router.post("/login", dependencies=ANYBODY)
async def log_in(request: Request) -> Response:
    """Log in with the form's fields."""
    given = await fields(request)
    following = safe_next(request, given.get("next", ""))
    try:
        wanted = Login(user=given.get("user", ""), password=given.get("password", ""), code=given.get("code", ""))  # type: ignore[arg-type]
        entered = await login.log_in(request, wanted)
    except ValidationError:
        return _login_form(request, following, problem=_incomplete(request), user=given.get("user", ""), status=422)
    except ProblemError as error:
        return _login_form(
            request, following, problem=explained(request, error), user=given.get("user", ""), status=error.status
        )
    after = f"/second-factor?next={quote(following, safe='')}" if entered.tokens.enrol_second_factor else following
    response = led_to(after)
    set_cookies(request, response, entered)
    return response


@router.get("/setup", dependencies=ANYBODY)
async def setup_page(request: Request) -> Response:
    """Choose a password by a one-time link, and where it is the first admin's also a name."""
    return await _setup_form(request, request.query_params.get("token", ""))


@router.post("/setup", dependencies=ANYBODY)
async def set_up(request: Request) -> Response:
    """Redeem the link with the form's fields."""
    given = await fields(request)
    token, user = given.get("token", ""), given.get("user", "")
    try:
        wanted = Setup(token=token, user=user, password=given.get("password", ""))  # type: ignore[arg-type]
        entered = await login.set_up(request, wanted)
    except ValidationError:
        return await _setup_form(request, token, user=user, problem=_incomplete(request), status=422)
    except (ProblemError, InputError) as error:
        problem = problem_of(error)
        return await _setup_form(request, token, user=user, problem=explained(request, problem), status=problem.status)
    language = Preferences(language=preferred(request))
    await gateway_of(request).database(lambda conn: people.prefer(conn, entered.opened.user, language))
    response = led_to("/second-factor" if entered.tokens.enrol_second_factor else "/")
    set_cookies(request, response, entered)
    return response


@router.get("/second-factor", dependencies=VISITOR)
async def second_factor_page(request: Request) -> Response:
    """Set the second factor up, or give a code of it for this session."""
    return await _second_factor(request)


@router.post("/second-factor/offer", dependencies=VISITOR)
async def offer_second_factor(request: Request) -> Response:
    """Make a new secret; the page then shows it."""
    principal, identity = principal_of(request), identity_of(request)
    await gateway_of(request).database(lambda conn: account.offer_second_factor(conn, identity, principal))
    following = safe_next(request, (await fields(request)).get("next", ""))
    return led_to(f"/second-factor?next={quote(following, safe='')}")


@router.post("/second-factor", dependencies=VISITOR)
async def give_code(request: Request) -> Response:
    """Confirm the offered secret, or give a code of the one in use."""
    given = await fields(request)
    principal = principal_of(request)
    account.at_a_login(principal)
    try:
        await login.give_code(request, principal, given.get("code", ""))
    except ProblemError as error:
        return await _second_factor(request, error, given.get("next", ""))
    return led_to(safe_next(request, given.get("next", "")))


@router.get("/logout", dependencies=VISITOR)
async def logout_page(request: Request) -> Response:
    """Ask first: a link of a foreign page must not log anybody out."""
    _, me = await visitor(request)
    return render(request, "logout.html", me=me)


@router.post("/logout", dependencies=VISITOR)
async def log_out(request: Request) -> Response:
    """End this session."""
    principal, gateway = principal_of(request), gateway_of(request)
    now = to_datetime(gateway.clock.now())
    await gateway.database(lambda conn: account.log_out(conn, principal, now, everywhere=False))
    identity_of(request).standings.forget()
    response = led_to("/login?notice=logged_out")
    clear_cookies(request, response)
    return response


def _login_form(
    request: Request, following: str, *, problem: str = "", notice: str = "", user: str = "", status: int = 200
) -> Response:
    return render(
        request,
        "login.html",
        following=following,
        problem=problem,
        notice=notice if notice in {"logged_out", "password_changed"} else "",
        user=user,
        provider=bool(gateway_of(request).settings.oidc_issuer),
        status=status,
    )


async def _setup_form(
    request: Request, token: str, *, user: str = "", problem: str = "", status: int = 200
) -> Response:
    gateway = gateway_of(request)
    now = to_datetime(gateway.clock.now())
    known = await gateway.database(lambda conn: invitations.invited(conn, token, now))
    return render(
        request,
        "setup.html",
        token=token,
        user=known or user,
        known=bool(known),
        valid=known is not None,
        problem=problem,
        status=status,
    )


async def _second_factor(request: Request, error: ProblemError | None = None, following: str = "") -> Response:
    principal, me = await visitor(request)
    following = safe_next(request, following or request.query_params.get("next", ""))
    may_enrol = principal.second_factor or not principal.enrolled
    keyring = identity_of(request).keyring

    def work(conn: Connection) -> SecondFactorOffer | None:
        return second_factor.pending(conn, keyring, principal.user) if may_enrol else None

    return render(
        request,
        "second_factor.html",
        me=me,
        offer=await gateway_of(request).database(work),
        state=_state(principal),
        following=following,
        problem=explained(request, error, me) if error else "",
        status=error.status if error else 200,
    )


def _state(principal: Principal) -> str:
    if not principal.enrolled:
        return "none"
    return "given" if principal.second_factor else "asked"


def _incomplete(request: Request) -> str:
    incomplete = ProblemError(422, "INCOMPLETE", "Fill in every field", "A new password has 12 characters or more.")
    return explained(request, incomplete)
