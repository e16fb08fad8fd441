"""When a request is sent again, and after how long."""

import httpx

RETRIED = frozenset({429, 502, 503, 504})
LONGEST_WAIT = 5.0


def may_repeat(error: httpx.TransportError, *, repeatable: bool) -> bool:
    """Whether a request that got no answer may be sent again.

    Every command carries an idempotency key, so a second copy takes no second effect; what is not ``repeatable`` is
    sent again only when it never left.
    """
    return repeatable or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def delay_of(response: httpx.Response, usual: float) -> float | None:
    """Seconds until the same request may succeed; None when it is not to be sent again.

    A conflict that names a time is the first copy of this very request, still at work.
    """
    named = retry_after(response)
    if response.status_code == httpx.codes.CONFLICT and named is None:
        return None
    if response.status_code not in RETRIED and response.status_code != httpx.codes.CONFLICT:
        return None
    delay = usual if named is None else max(named, usual)
    return delay if delay <= LONGEST_WAIT else None


def retry_after(response: httpx.Response) -> float | None:
    """The seconds of ``Retry-After``; None where it is missing or a date."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
