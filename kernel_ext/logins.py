"""Who is logged in on a screen: tokens verified with the gateway, and the delegated token of each login."""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from millstream.contracts.api.identity import Me

VERIFIED_SECONDS = 5.0
MOST_TOKENS = 1000
MOST_LOGINS = 1000


class Identities(Protocol):
    """What the gateway knows of tokens. Both raise :class:`RetriableError` while it cannot be reached."""

    async def me(self, token: str) -> Me | None:
        """The person behind ``token``; None when it is not valid (any more)."""
        ...

    async def delegate(self, token: str) -> str | None:
        """A token that acts for the person as long as their login lives; None when ``token`` cannot give one."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """One browser's login on this screen. ``token`` is the delegated one: it never leaves server and kernels."""

    key: str
    user: str
    token: str


class Verified:
    """Answers of :meth:`Identities.me`, kept for ``seconds``: a page asks dozens of times as it loads.

    A revoked token is therefore refused after ``seconds`` at the latest. Tokens are kept as hashes. An answer of
    "nobody" is not kept, and requests for one token at the same time ask the gateway once.
    """

    def __init__(
        self,
        identities: Identities,
        *,
        seconds: float = VERIFIED_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identities = identities
        self._seconds = seconds
        self._monotonic = monotonic
        self._known: OrderedDict[bytes, tuple[float, Me]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Me | None]] = {}

    async def me(self, token: str) -> Me | None:
        """As :meth:`Identities.me`."""
        digest = _digest(token)
        until, me = self._known.get(digest, (0.0, None))
        if me is not None and self._monotonic() < until:
            return me
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._ask(digest, token), name="verify a token")
            self._asking[digest] = asking
        return await asyncio.shield(asking)

    async def _ask(self, digest: bytes, token: str) -> Me | None:
        try:
            me = await self._identities.me(token)
        finally:
            del self._asking[digest]
        self._known.pop(digest, None)
        if me is not None:
            self._known[digest] = (self._monotonic() + self._seconds, me)
            _shorten(self._known, MOST_TOKENS)
        return me


class Logins:
    """The logins of this server, in its memory only: a restart makes each browser ask the gateway once more."""

    def __init__(self, identities: Identities, verified: Verified | None = None) -> None:
        self._identities = identities
        self._verified = verified or Verified(identities)
        self._logins: OrderedDict[str, Login] = OrderedDict()
        self._begun: OrderedDict[bytes, str] = OrderedDict()
        self._beginning = asyncio.Lock()

    async def me(self, token: str) -> Me | None:
        """The person behind a token of the gateway, None when it is not valid."""
        return await self._verified.me(token)

    async def of_key(self, key: str) -> tuple[Login, Me] | None:
        """The login behind a browser's cookie; None, and forgotten, when it ended at the gateway."""
        login = self._logins.get(key)
        if login is None:
            return None
        me = await self._verified.me(login.token)
        if me is None or me.user != login.user:
            self._logins.pop(key, None)
            return None
        self._logins.move_to_end(key)
        return login, me

    async def begin(self, token: str, me: Me) -> Login | None:
        """The login for the person behind the access ``token``; None when the gateway gives no delegated token.

        Requests that a browser sends at once, all without this server's cookie yet, share one.
        """
        digest = _digest(token)
        async with self._beginning:
            begun = self._logins.get(self._begun.get(digest, ""))
            if begun is not None and begun.user == me.user:
                return begun
            delegated = await self._identities.delegate(token)
            if delegated is None:
                return None
            login = Login(key=secrets.token_urlsafe(32), user=me.user, token=delegated)
            self._logins[login.key], self._begun[digest] = login, login.key
            _shorten(self._logins, MOST_LOGINS)
            _shorten(self._begun, MOST_LOGINS)
            return login

    def end(self, key: str) -> None:
        """Forget a login; harmless when it is not known."""
        self._logins.pop(key, None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _shorten(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
