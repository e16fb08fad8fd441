"""What every page shares: templates, the visitor's language, who may open it, and where forms lead."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ...contracts.api.identity import Me
from ..auth import account
from ..auth.access import Principal, Require, principal_of
from ..auth.credentials import csrf_token
from ..auth.identity import identity_of
from ..context import gateway_of
from ..problems import ProblemError
from .language import preferred, texts

CSRF_FIELD = "csrf"
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class RequireAtPage(Require):
    """As :class:`Require`, for pages: who is not logged in is led to the login and back, and forms carry the token."""

    async def __call__(self, connection: HTTPConnection) -> None:
        try:
            await Require.__call__(self, connection)
        except ProblemError as error:
            if error.status != 401:
                raise
            raise HTTPException(303, headers={"Location": _login(connection)}) from error

    async def csrf(self, connection: HTTPConnection) -> str | None:
        """The field of a form that was posted."""
        if not isinstance(connection, Request) or connection.method != "POST":
            return None
        return str((await connection.form(max_files=0)).get(CSRF_FIELD, ""))


async def fields(request: Request) -> dict[str, str]:
    """The texts of a posted form; files are refused."""
    return {name: value for name, value in (await request.form(max_files=0)).items() if isinstance(value, str)}


async def visitor(request: Request) -> tuple[Principal, Me]:
    """Who looks at a page that needs a login."""
    principal = principal_of(request)
    return principal, await gateway_of(request).database(lambda conn: account.describe(conn, principal))


def render(request: Request, template: str, *, me: Me | None = None, status: int = 200, **values: Any) -> Response:
    """A page in the visitor's language and theme."""
    language = me.language if me is not None else preferred(request)
    catalogue = texts(language)
    text = _templates.get_template(template).render(
        t=catalogue,
        language=language,
        theme=me.theme if me is not None else "auto",
        me=me,
        csrf=_csrf(request),
        **values,
    )
    return HTMLResponse(text, status)


def explained(request: Request, error: ProblemError, me: Me | None = None) -> str:
    """An error in the visitor's language where there is a text for its code, else as the API says it."""
    language = me.language if me is not None else preferred(request)
    return texts(language).get(f"problem.{error.code}") or f"{error.title} {error.detail} {error.hint}".strip()


def led_to(address: str) -> Response:
    """After a form took effect: go there with a new GET."""
    return RedirectResponse(address, status_code=303)


def _csrf(request: Request) -> str:
    principal: Principal | None = getattr(request.state, "principal", None)
    return csrf_token(identity_of(request).keyring, principal.session) if principal is not None else ""


def _login(connection: HTTPConnection) -> str:
    path = connection.url.path if connection.scope["method"] == "GET" else "/"
    query = f"?{connection.url.query}" if connection.url.query and connection.scope["method"] == "GET" else ""
    return f"/login?next={quote(path + query, safe='')}"
