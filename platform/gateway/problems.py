"""Errors as RFC 9457 problem details: a stable code, what was wrong, and what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import psycopg
import redis.exceptions
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from ..contracts.api.base import FieldFault, Problem
from ..contracts.errors import ConflictError, InputError, MillstreamError, NotFoundError, RetriableError
from ..contracts.ids import random_id

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1
REFERENCE_LENGTH = 12
_CODES = {
    400: "INVALID_INPUT",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "INVALID_INPUT",
    429: "RATE_LIMITED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_HINTS = {
    404: "GET /api/openapi.json lists every address.",
    405: "The header Allow names the methods of this address.",
    422: "Correct the fields that `faults` names.",
}
_log = structlog.get_logger(__name__)


class ProblemError(MillstreamError):
    """A problem that only exists over HTTP. ``code`` is stable and machine-readable, ``hint`` says what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        hint: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        reference: str = "",
    ) -> None:
        super().__init__(detail or title, hint=hint)
        self.reference = reference
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})

    def problem(self, instance: str = "") -> Problem:
        """The body of the answer; ``instance`` is the path that was asked."""
        return Problem(
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            code=self.code,
            hint=self.hint,
            reference=self.reference,
        )


def problem_of(error: MillstreamError) -> ProblemError:
    """What an error of Millstream means over HTTP. What a server keeps to itself is logged, not told."""
    if isinstance(error, ProblemError):
        return error
    for kind, status, code, title in (
        (NotFoundError, 404, "NOT_FOUND", "There is no such thing"),
        (ConflictError, 409, "CONFLICT", "The present state does not allow it"),
        (InputError, 422, "INVALID_INPUT", "The request cannot be carried out as it is"),
    ):
        if isinstance(error, kind):
            return ProblemError(status, code, title, str(error), error.hint)
    if isinstance(error, RetriableError):
        return unavailable(str(error), error.hint)
    return internal(error, hint=error.hint)


def unavailable(detail: str, hint: str = "", *, seconds: int = RETRY_SECONDS) -> ProblemError:
    """``503``: a server that the gateway needs does not answer now; ask again in ``seconds``."""
    headers = {"Retry-After": str(seconds)}
    return ProblemError(
        503, "UNAVAILABLE", "Not available now", detail, hint or "Try again in a moment.", headers=headers
    )


def answer(error: ProblemError, path: str, faults: tuple[FieldFault, ...] = ()) -> Response:
    """The HTTP answer of a problem; ``path`` is what was asked."""
    body = error.problem(path).model_copy(update={"faults": faults})
    return JSONResponse(
        body.model_dump(mode="json"), status_code=error.status, media_type=MEDIA_TYPE, headers=error.headers
    )


def install(app: FastAPI) -> None:
    """Make the known errors of ``app`` problems; what nobody foresaw is answered by the guard around it."""
    for kind, handler in (
        (MillstreamError, _millstream),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
        (psycopg.OperationalError, _no_database),
        (psycopg.DataError, _no_value),
        (redis.exceptions.ConnectionError, _no_redis),
        (redis.exceptions.TimeoutError, _no_redis),
    ):
        app.add_exception_handler(kind, cast("Any", handler))


async def _millstream(request: Request, error: MillstreamError) -> Response:
    return answer(problem_of(error), request.url.path)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    faults = tuple(
        FieldFault(where=".".join(map(str, fault["loc"])), message=str(fault["msg"])) for fault in error.errors()
    )
    detail = "; ".join(f"{fault.where}: {fault.message}" for fault in faults[:3])
    problem = ProblemError(422, "INVALID_INPUT", "The request is not valid", detail, _HINTS[422])
    return answer(problem, request.url.path, faults)


async def _http(request: Request, error: HTTPException) -> Response:
    title = HTTPStatus(error.status_code).phrase
    code = _CODES.get(error.status_code, title.upper().replace(" ", "_"))
    detail = "" if error.detail == title else str(error.detail)
    problem = ProblemError(
        error.status_code, code, title, detail, _HINTS.get(error.status_code, ""), headers=error.headers
    )
    return answer(problem, request.url.path)


async def _no_database(request: Request, error: psycopg.OperationalError) -> Response:
    _log.warning("gateway.database_unreachable", error=str(error), path=request.url.path)
    return answer(unavailable("The database does not answer."), request.url.path)


async def _no_redis(request: Request, error: redis.exceptions.RedisError) -> Response:
    _log.warning("gateway.redis_unreachable", error=str(error), path=request.url.path)
    return answer(unavailable("Redis does not answer."), request.url.path)


async def _no_value(request: Request, error: psycopg.DataError) -> Response:
    # What cannot be a value of the database (a NUL character, a number beyond its type) is wrong as a request.
    _log.info("gateway.value_refused", error=str(error), path=request.url.path)
    detail = "A value of the request cannot be stored or compared: it is out of range, or holds a NUL character."
    problem = ProblemError(422, "INVALID_INPUT", "The request is not valid", detail, "Correct the values.")
    return answer(problem, request.url.path)


def internal(error: BaseException, **facts: object) -> ProblemError:
    """``500``: what failed is for the log, with ``facts``; the answer names the place there by a reference."""
    reference = random_id()[:REFERENCE_LENGTH]
    _log.error(
        "gateway.error", reference=reference, error=str(error), kind=type(error).__name__, exc_info=error, **facts
    )
    return ProblemError(
        500,
        "INTERNAL",
        "The gateway could not answer",
        f"Something failed that should not (reference {reference}).",
        "The gateway's log says what, under the reference: tell it to the operator.",
        reference=reference,
    )
