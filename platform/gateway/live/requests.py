"""What happens with a client's request."""

import msgspec

from ...contracts.errors import InputError
from .client import Client
from .hub import Hub
from .protocol import CloseCode, Code, Subscribe, Unsubscribe, parse

_SECOND = 1_000_000_000


def answer(hub: Hub, client: Client, payload: bytes, now: int) -> None:
    """Do what ``client`` asks at the monotonic time ``now`` (ns); a request that is wrong is answered with an error."""
    client.heard_at = now
    if not _allowed(hub, client, now):
        hub.end(client, CloseCode.LIMIT, "too many requests")
        return
    try:
        request = parse(payload)
    except InputError as error:
        hub.answer_error(client, _identity(payload), Code.INVALID, str(error))
        return
    if isinstance(request, Subscribe):
        hub.subscribe(client, request)
    elif isinstance(request, Unsubscribe):
        if request.id not in client.subscriptions:
            hub.answer_error(client, request.id, Code.UNKNOWN, "There is no subscription of this id.")
        hub.unsubscribe(client, request.id)


def _allowed(hub: Hub, client: Client, now: int) -> bool:
    """Token bucket: a burst of requests, and so many a second in the long run."""
    limits = hub.limits
    earned = (now - client.asked_at) / _SECOND * limits.requests_per_second
    client.allowance = min(float(limits.requests_burst), client.allowance + earned) - 1
    client.asked_at = now
    return client.allowance >= 0


class _Named(msgspec.Struct):
    id: str = ""


def _identity(payload: bytes) -> str:
    """The id that a wrong request names, so that its sender finds it; empty when it names none."""
    try:
        return msgspec.json.decode(payload, type=_Named).id[:64]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
