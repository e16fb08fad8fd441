"""The account page: sessions, API keys, password, language, time zone and theme."""

from typing import Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ...contracts.api.identity import ApiKey, NewApiKey, PasswordChange, Permission, Preferences
from ...contracts.errors import MillstreamError
from ...contracts.time import to_datetime
from ..auth import account, keys, login, sessions
from ..auth.access import principal_of
from ..auth.cookies import clear_cookies
from ..auth.identity import identity_of
from ..context import Connection, gateway_of
from ..problems import ProblemError, problem_of
from .language import LANGUAGES
from .page import RequireAtPage, explained, fields, led_to, render, visitor

router = APIRouter(prefix="/account", dependencies=[Depends(RequireAtPage(Permission.SELF))])


@router.get("")
async def account_page(request: Request) -> Response:
    """Everything about the visitor's own account."""
    return await _page(request)


@router.post("/preferences")
async def change_preferences(request: Request) -> Response:
    """Language, time zone, theme."""
    given = await fields(request)
    wanted = {name: given[name] for name in ("language", "time_zone", "theme") if name in given}
    principal = principal_of(request)
    try:
        chosen = Preferences.model_validate(wanted)
        await gateway_of(request).database(lambda conn: account.prefer(conn, principal, chosen))
    except (ValidationError, MillstreamError) as error:
        return await _page(request, error)
    return led_to("/account")


@router.post("/password")
async def change_password(request: Request) -> Response:
    """A new password; the visitor logs in again with it."""
    given = await fields(request)
    principal = principal_of(request)
    account.at_a_login(principal)
    try:
        wanted = PasswordChange.model_validate({"old": given.get("old", ""), "new": given.get("new", "")})
        await login.change_password(request, principal, wanted)
    except (ValidationError, MillstreamError) as error:
        return await _page(request, error)
    response = led_to("/login?notice=password_changed")
    clear_cookies(request, response)
    return response


@router.post("/keys")
async def create_key(request: Request) -> Response:
    """A new API key, which the answer shows this once."""
    form = await request.form(max_files=0)
    principal, gateway = principal_of(request), gateway_of(request)
    now = to_datetime(gateway.clock.now())
    try:
        wanted = NewApiKey.model_validate(
            {"name": form.get("name", ""), "scopes": form.getlist("scopes"), "days": form.get("days", "")}
        )
        made = await gateway.database(lambda conn: account.create_key(conn, principal, wanted, now))
    except (ValidationError, MillstreamError) as error:
        return await _page(request, error)
    return await _page(request, made=made)


@router.post("/keys/revoke")
async def revoke_key(request: Request) -> Response:
    """End an API key."""
    key_id = (await fields(request)).get("key_id", "")
    principal, gateway = principal_of(request), gateway_of(request)
    now = to_datetime(gateway.clock.now())
    try:
        await gateway.database(lambda conn: account.revoke_key(conn, principal, key_id, now))
    except MillstreamError as error:
        return await _page(request, error)
    identity_of(request).standings.forget()
    return led_to("/account")


@router.post("/sessions/end")
async def log_out_everywhere(request: Request) -> Response:
    """End every session of the visitor, this one too."""
    principal, gateway = principal_of(request), gateway_of(request)
    now = to_datetime(gateway.clock.now())
    await gateway.database(lambda conn: account.log_out(conn, principal, now, everywhere=True))
    identity_of(request).standings.forget()
    response = led_to("/login?notice=logged_out")
    clear_cookies(request, response)
    return response


async def _page(
    request: Request, error: ValidationError | MillstreamError | None = None, made: ApiKey | None = None
) -> Response:
    principal, me = await visitor(request)
    gateway = gateway_of(request)
    now = to_datetime(gateway.clock.now())

    def work(conn: Connection) -> dict[str, Any]:
        return {
            "sessions": sessions.listing(principal.user, principal.session, now)(conn),
            "keys": keys.listing(conn, principal.user),
        }

    problem = _problem(error)
    return render(
        request,
        "account.html",
        me=me,
        scopes=sorted(principal.permissions - keys.NEVER_IN_A_KEY),
        languages=LANGUAGES,
        zones=sorted(available_timezones()),
        made=made,
        problem=explained(request, problem, me) if problem else "",
        status=problem.status if problem else 200,
        **await gateway.database(work),
    )


def _problem(error: ValidationError | MillstreamError | None) -> ProblemError | None:
    if isinstance(error, ValidationError):
        return ProblemError(422, "INCOMPLETE", "Fill in every field", "A new password has 12 characters or more.")
    return problem_of(error) if error is not None else None
