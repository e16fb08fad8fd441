"""Problems of the gateway as exceptions that say what to do, and deserve the reaction of their kind."""

from pydantic import ValidationError

from ..contracts.api.base import FieldFault, Problem
from ..contracts.errors import ConflictError, FatalError, InputError, MillstreamError, NotFoundError, RetriableError

SHOWN_FAULTS = 5


class ApiError(MillstreamError):
    """The gateway refused. ``code`` is stable and machine-readable; ``retry_after`` is in seconds."""

    def __init__(self, problem: Problem, *, retry_after: float | None = None) -> None:
        super().__init__(_message(problem), hint=problem.hint)
        self.problem = problem
        self.status = problem.status
        self.code = problem.code
        self.detail = problem.detail
        self.faults: tuple[FieldFault, ...] = problem.faults
        self.retry_after = retry_after


class ApiInputError(ApiError, InputError):
    """What was given is wrong (400, 413, 415, 421, 422 and their like)."""


class ApiNotFoundError(ApiError, NotFoundError):
    """There is no such thing, or it is another person's (404)."""


class ApiConflictError(ApiError, ConflictError):
    """The request contradicts the present state (409, 412)."""


class AuthenticationError(ApiError, InputError):
    """Nobody is logged in, or the token ended (401)."""


class PermissionDeniedError(ApiError, InputError):
    """The person is known but may not do this (403)."""


class ApiRetriableError(ApiError, RetriableError):
    """A passing fault of the gateway, or too many requests (429, 502, 503, 504)."""


class ApiFatalError(ApiError, FatalError):
    """The gateway failed, or what answers is no gateway of this version: a person has to look (500 and unknown)."""


class GatewayUnreachableError(RetriableError):
    """Nothing answers at the gateway's address."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"the gateway at {url} does not answer ({why})",
            hint="On its machine `millstream --local status` says whether it runs, and `millstream up` starts it.",
        )


_KINDS: dict[int, type[ApiError]] = {
    400: ApiInputError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: ApiNotFoundError,
    409: ApiConflictError,
    412: ApiConflictError,
    413: ApiInputError,
    415: ApiInputError,
    422: ApiInputError,
    429: ApiRetriableError,
    502: ApiRetriableError,
    503: ApiRetriableError,
    504: ApiRetriableError,
}


def error_of(problem: Problem, retry_after: float | None = None) -> ApiError:
    """The exception of a problem."""
    other = ApiInputError if 400 <= problem.status < 500 else ApiFatalError
    return _KINDS.get(problem.status, other)(problem, retry_after=retry_after)


def problem_in(status: int, content: bytes) -> Problem:
    """The problem that an answer holds; an answer of something else (a proxy) becomes one."""
    try:
        return Problem.model_validate_json(content)
    except ValidationError:
        return Problem(
            title=f"The answer was HTTP {status} without an explanation",
            status=status,
            code="UNEXPLAINED",
            hint="Something between here and the gateway answered: look at MILLSTREAM_URL and at proxies.",
        )


def _message(problem: Problem) -> str:
    message = problem.detail or problem.title
    faults = [f"{fault.where}: {fault.message}" for fault in problem.faults if fault.message not in message]
    return "; ".join([message, *faults[:SHOWN_FAULTS]])
