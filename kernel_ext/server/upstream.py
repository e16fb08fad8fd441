"""Requests to the gateway in a person's name, as they came and with the answers as they are."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from millstream.contracts.errors import RetriableError

if TYPE_CHECKING:
    import httpx

SECONDS = 30.0
SENT = ("Accept", "Accept-Language", "Content-Type", "Idempotency-Key", "If-None-Match")
RETURNED = (
    "Cache-Control",
    "Content-Disposition",
    "Content-Security-Policy",
    "Content-Type",
    "ETag",
    "Retry-After",
    "Vary",
    "X-Content-Type-Options",
)


@dataclass(frozen=True, slots=True)
class Passed:
    """An answer of the gateway: status, the headers that are passed on, and the body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Upstream:
    """Connections to the gateway at ``url``, shared by every request of this server."""

    def __init__(self, url: str, *, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        self.url = url
        self._transport = transport
        self._opened: httpx.AsyncClient | None = None

    async def pass_on(
        self, method: str, path: str, *, query: str, body: bytes, headers: dict[str, str], token: str
    ) -> Passed:
        """Send ``method`` to ``/api/v1/<path>`` as the person of ``token``.

        Raises :class:`RetriableError` when the gateway does not answer. A command is never sent twice here: who sent it
        repeats it with the same ``Idempotency-Key``.
        """
        import httpx

        address = f"{self.url}/api/v1/{path}" + (f"?{query}" if query else "")
        sent = {**headers, "Authorization": f"Bearer {token}"}
        try:
            answer = await self._http().request(method, address, content=body or None, headers=sent)
        except httpx.TransportError as error:
            raise RetriableError(
                f"The gateway does not answer ({type(error).__name__})",
                hint="`millstream status` says whether it runs; `millstream up` starts it.",
            ) from error
        kept = {name: answer.headers[name] for name in RETURNED if name in answer.headers}
        return Passed(answer.status_code, kept, answer.content)

    def _http(self) -> "httpx.AsyncClient":
        import httpx

        if self._opened is None:
            self._opened = httpx.AsyncClient(timeout=SECONDS, transport=self._transport, follow_redirects=False)
        return self._opened
