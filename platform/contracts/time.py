"""Times as UTC nanoseconds and timeframes such as ``1m``, ``5m``, ``1h``, ``1d``."""

import re
from datetime import UTC, datetime

from .errors import InputError

SECOND = 1_000_000_000
_UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND, "w": 7 * 86_400 * SECOND}
_PATTERN = re.compile(r"([1-9][0-9]*)([smhdw])")


def timeframe_ns(timeframe: str) -> int:
    """Length of a timeframe in nanoseconds. Raises :class:`InputError` when it is not like ``5m``, ``1h``, ``1d``."""
    match = _PATTERN.fullmatch(timeframe)
    if match is None:
        raise InputError(
            f"{timeframe!r} is not a timeframe",
            hint="Use a number and a unit (s, m, h, d, w), for example 5m, 1h or 1d.",
        )
    return int(match[1]) * _UNITS[match[2]]


def to_datetime(ns: int) -> datetime:
    """UTC datetime of nanoseconds since the epoch, cut to microseconds."""
    seconds, rest = divmod(ns, SECOND)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest // 1000)


def from_datetime(moment: datetime) -> int:
    """Nanoseconds since the epoch of an aware datetime. Raises ``ValueError`` for a naive one."""
    if moment.tzinfo is None:
        msg = f"{moment!r} has no time zone"
        raise ValueError(msg)
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds * 1000


def iso(ns: int) -> str:
    """ISO 8601 text in UTC, for people and JSON output."""
    return to_datetime(ns).isoformat().replace("+00:00", "Z")


def from_iso(text: str) -> int:
    """Nanoseconds of an ISO 8601 text with a zone, as :func:`iso` writes it. Raises ``ValueError`` for any other."""
    return from_datetime(datetime.fromisoformat(text))
