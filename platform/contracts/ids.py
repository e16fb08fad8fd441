"""Identifiers and keys: deterministic wherever a retry must meet itself."""

import hashlib
import os
import re

from .errors import InputError

MANUAL_TAG = "manual:"
"""What the tag of an order placed by hand begins with; the name of the person follows."""

_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9_.-]*:\S+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


def digest(*parts: str | int) -> str:
    """32 hexadecimal characters derived from the parts alone (SHA-256, cut to 128 bits)."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]


def random_id() -> str:
    """32 random hexadecimal characters, for things that happen once and are never retried under the same id."""
    return os.urandom(16).hex()


def instrument_key(exchange: str, symbol: str) -> str:
    """``<EXCHANGE>:<symbol>``. Raises :class:`InputError` when either part is empty or has spaces."""
    return parse_instrument(f"{exchange.upper()}:{symbol}")


def parse_instrument(text: str) -> str:
    """Check an instrument key such as ``SAMPLE:AAPL`` or ``BINANCE:BTC/USDT`` and return it."""
    if _INSTRUMENT.fullmatch(text) is None:
        raise InputError(
            f"{text!r} is not an instrument",
            hint="Write EXCHANGE:SYMBOL, for example SAMPLE:AAPL or BINANCE:BTC/USDT.",
        )
    return text


def parse_name(text: str, what: str) -> str:
    """Check the name of a portfolio, deployment or strategy. Raises :class:`InputError`."""
    if _NAME.fullmatch(text) is None:
        raise InputError(
            f"{text!r} is not a valid name for a {what}",
            hint="Use letters, digits and _ . @ - (at most 64), beginning with a letter or digit.",
        )
    return text


def risk_key(portfolio_id: str, instrument: str) -> str:
    """``<portfolio_id>:<exchange>:<symbol>``."""
    return f"{portfolio_id}:{instrument}"


def intent_id(deployment_id: str, instrument: str, event_time: int, sequence: int) -> str:
    """Id of the intent that a deployment makes for an instrument on an event.

    The runner's epoch is not part of it: a runner restarted (under a new epoch) on the same event must make the *same*
    intent, so that the inbox answers it with the decision already taken.
    """
    return digest("intent", deployment_id, instrument, event_time, sequence)


def order_id(intent: str, leg: str = "") -> str:
    """Id of the order that an approved intent becomes; ``leg`` names a protective order of the same intent."""
    return digest("order", intent, leg)


def client_order_id(order: str, attempt: int) -> str:
    """Id sent to the venue: ``attempt`` grows only after proof that the previous one was not accepted."""
    return f"ms{order[:26]}{attempt:02d}"
