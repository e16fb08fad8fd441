"""Calls over HTTP: authentication, one refresh at a time, retries with one key, answers as models."""

import asyncio
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..contracts.api.base import Problem
from ..contracts.api.identity import Tokens
from .cache import AnswerCache
from .calls import API, Call
from .errors import ApiError, ApiFatalError, GatewayUnreachableError, error_of, problem_in

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")
WAITS = (0.1, 0.3, 1.0)
TIMEOUT = 30.0
UNAUTHENTICATED = 401
NOT_MODIFIED = 304


class Exchange:
    """The connections of one client to one gateway, in the name of one person. Belongs to one event loop.

    ``timeout`` is in seconds per attempt, ``waits`` the seconds before each further attempt.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        refresh_token: str | None = None,
        timeout: float = TIMEOUT,
        waits: tuple[float, ...] = WAITS,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.refresh_token = refresh_token
        self._timeout = timeout
        self._waits = waits
        self._transport = transport
        self._opened: httpx.AsyncClient | None = None
        self._refreshing = asyncio.Lock()
        self._cache = AnswerCache()

    async def call(self, call: Call[T], key: str = "", match: str = "") -> T:
        """Send a request and give its answer.

        Raises :class:`ApiError` for a refusal and :class:`GatewayUnreachableError` when nothing answers.
        """
        return (await self.tagged(call, key, match))[0]

    async def tagged(self, call: Call[T], key: str = "", match: str = "") -> tuple[T, str]:
        """As :meth:`call`, with the answer's ``ETag``; ``match`` is sent as ``If-Match``."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex} if call.is_command else {}
        if match:
            headers["If-Match"] = match
        known = None if call.is_command else self._cache.get(_identity(call))
        if known is not None:
            headers["If-None-Match"] = known.etag
        response = await self._authenticated(call, headers)
        if known is not None and response.status_code == NOT_MODIFIED:
            return known.answer, known.etag
        answer = _parsed(call, response)
        tag = response.headers.get("ETag", "")
        if not call.is_command:
            self._cache.put(_identity(call), tag, answer, len(response.content))
        self._take(call, answer)
        return answer, tag

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    def _take(self, call: Call[Any], answer: Any) -> None:
        """Act as whom a login or a refresh gave tokens for; after a logout, as nobody."""
        if isinstance(answer, Tokens):
            if call.operation != "refresh":
                self._cache.clear()
            self.token, self.refresh_token = answer.access_token, answer.refresh_token
        elif call.operation in {"logout", "logout_everywhere"}:
            self._cache.clear()
            self.token = self.refresh_token = None

    async def _authenticated(self, call: Call[Any], headers: dict[str, str]) -> "httpx.Response":
        token = self.token
        response = await self._patient(call, headers, token)
        if response.status_code != UNAUTHENTICATED or call.operation in {"login", "refresh", "setup"}:
            return response
        if not await self._renewed(token):
            return response
        return await self._patient(call, headers, self.token)

    async def _renewed(self, used: str | None) -> bool:
        """Have another token than the ``used`` one; many calls at once make one refresh."""
        async with self._refreshing:
            if self.token != used:
                return True
            if not self.refresh_token:
                return False
            from .operations import Operations

            call = Operations.refresh.request(refresh_token=self.refresh_token)
            response = await self._patient(call, {}, None)
            if response.status_code == UNAUTHENTICATED:
                self.refresh_token = None
                return False
            self._take(call, _parsed(call, response))
            return True

    async def _patient(self, call: Call[Any], headers: dict[str, str], token: str | None) -> "httpx.Response":
        """Send, again if that is safe and may help; every copy has the same key."""
        import httpx

        from .retries import delay_of, may_repeat

        for wait in (*self._waits, None):
            try:
                response = await self._send(call, headers, token)
            except httpx.TransportError as error:
                if wait is None or not may_repeat(error, repeatable=call.repeatable):
                    raise GatewayUnreachableError(self.url, str(error) or type(error).__name__) from error
                await asyncio.sleep(wait)
                continue
            delay = None if wait is None else delay_of(response, wait)
            if delay is None:
                return response
            await asyncio.sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    async def _send(self, call: Call[Any], headers: dict[str, str], token: str | None) -> "httpx.Response":
        if token:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        if call.body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        return await self._http().request(
            call.method, f"{self.url}{call.path}", params=call.query, content=call.body, headers=headers
        )

    def _http(self) -> "httpx.AsyncClient":
        import httpx

        if self._opened is None:
            self._opened = httpx.AsyncClient(
                timeout=self._timeout, transport=self._transport, follow_redirects=False, verify=_authorities()
            )
        return self._opened


@lru_cache(maxsize=1)
def _authorities() -> "ssl.SSLContext":
    """Whose certificates are trusted. Read once: it takes 20 ms, and the monitor has a client for every tab."""
    import httpx

    return httpx.create_ssl_context()


def _identity(call: Call[Any]) -> tuple[Any, ...]:
    return call.path, call.query


@lru_cache(maxsize=128)
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def _parsed(call: Call[T], response: "httpx.Response") -> T:
    if not response.is_success:
        from .retries import retry_after

        raise error_of(problem_in(response.status_code, response.content), retry_after(response))
    if call.answer is str:
        text: Any = response.text
        return text  # type: ignore[no-any-return]
    try:
        answer: T = _adapter(call.answer).validate_json(response.content)
    except ValidationError as error:
        raise _misunderstood(call, response.status_code, error) from error
    return answer


def _misunderstood(call: Call[Any], status: int, error: ValidationError) -> ApiError:
    return ApiFatalError(
        Problem(
            title="The answer is not what this client knows",
            detail=f"{call.method} {call.path} answered something else than {call.operation} does: {error}",
            status=status,
            code="UNKNOWN_ANSWER",
            hint=f"Is this address a Millstream gateway ({API}), and of this client's version? `pip list` tells.",
        )
    )
