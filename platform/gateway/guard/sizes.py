"""Limits on what a request may bring: its query and its body."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from ...ops.settings import Settings
from ..problems import ProblemError


def check_declared(scope: Scope, settings: Settings) -> None:
    """Raise a 414 for a query and a 413 for a declared body that is too long, a 400 for a senseless length."""
    query = len(scope.get("query_string", b""))
    if query > settings.query_limit:
        raise ProblemError(
            414,
            "QUERY_TOO_LONG",
            "The query is too long",
            f"{query} bytes; {settings.query_limit} are allowed.",
            "Ask for less at once.",
        )
    declared = Headers(scope=scope).get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise ProblemError(400, "INVALID_INPUT", "The header Content-Length is not a number")
    if int(declared) > settings.body_limit:
        raise ProblemError(
            413,
            "TOO_LARGE",
            "The body is too large",
            f"{declared} bytes; {settings.body_limit} are allowed.",
            "Send less at once.",
        )


def counted(receive: Receive, limit: int) -> Receive:
    """``receive`` that fails with 413 once more than ``limit`` bytes came, whatever length was declared."""
    taken = 0

    async def count() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            # FastAPI lets only its own kind of exception pass while it reads a body.
            raise HTTPException(413, f"The body is too large: more than {limit} bytes.")
        return message

    return count
