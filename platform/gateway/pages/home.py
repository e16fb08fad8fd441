"""The home page: a card for each place to go."""

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from ...contracts.api.identity import Permission
from .. import openapi
from ..auth.permissions import SECOND_FACTOR_ROLES
from ..screens import screens
from .page import RequireAtPage, render, visitor

router = APIRouter(dependencies=[Depends(RequireAtPage(Permission.SELF))])


@router.get("/")
async def home(request: Request) -> Response:
    """Where to go from here."""
    principal, me = await visitor(request)
    return render(
        request,
        "home.html",
        me=me,
        screens=screens(request),
        api=openapi.PATH,
        second_factor_missing=principal.role in SECOND_FACTOR_ROLES and not principal.enrolled,
        code_missing=principal.enrolled and not principal.second_factor,
    )
