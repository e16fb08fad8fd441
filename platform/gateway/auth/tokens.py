"""Signed tokens: short access tokens, tokens delegated to screens, and the state of a login at another provider.

HS256 is pinned: the gateway alone makes and reads them. Expiry is judged by the injected clock.
"""

from enum import StrEnum
from typing import Any

import jwt
import msgspec

from ...contracts.clock import Clock
from ...contracts.ids import random_id
from ...contracts.time import SECOND
from .keyring import Keyring

ALGORITHM = "HS256"
ISSUER = "millstream"
ACCESS_SECONDS = 600
# Two gateways' clocks may differ by this much.
LEEWAY_SECONDS = 5
_REQUIRED = ["iss", "aud", "exp", "iat", "sub", "sid", "jti"]


class Use(StrEnum):
    """What a token is for; it stands in ``aud``, so that one kind never passes for another."""

    ACCESS = "millstream.access"
    DELEGATED = "millstream.delegated"
    OIDC = "millstream.oidc"


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified token says. ``expires`` is UTC seconds."""

    user: str
    session: str
    use: Use
    expires: int
    token: str
    extra: dict[str, Any]


class TokenError(Exception):
    """Not a token of this gateway and use, or not any more. It never says which to whoever sent it."""


class Tokens:
    """Makes and reads tokens."""

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._key = keyring.derive("tokens")
        self._clock = clock

    def issue(self, use: Use, user: str, session: str, seconds: int, **extra: Any) -> str:
        """A token that ends after ``seconds``."""
        now = self._clock.now() // SECOND
        claims = {
            "iss": ISSUER,
            "aud": use.value,
            "sub": user,
            "sid": session,
            "jti": random_id(),
            "iat": now,
            "exp": now + seconds,
            "extra": extra,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str, *uses: Use) -> Claims:
        """The claims of a token for one of ``uses``. Raises :class:`TokenError`."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=[use.value for use in uses],
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.InvalidTokenError as error:
            raise TokenError from error
        return self._judged(claims)

    def _judged(self, claims: dict[str, Any]) -> Claims:
        now = self._clock.now() // SECOND
        try:
            expires, issued = int(claims["exp"]), int(claims["iat"])
            use = Use(claims["aud"])
        except (TypeError, ValueError) as error:
            raise TokenError from error
        if expires <= now or issued > now + LEEWAY_SECONDS:
            raise TokenError
        return Claims(
            user=claims["sub"],
            session=claims["sid"],
            use=use,
            expires=expires,
            token=claims["jti"],
            extra=claims.get("extra") or {},
        )
