"""Passwords: argon2id, at most a few at a time, and as slow for a name that does not exist."""

import asyncio
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ...contracts.errors import InputError

if TYPE_CHECKING:
    from pydantic import SecretStr

# Each hash takes 64 MiB for about 50 ms: a flood of logins must not take the machine's memory.
AT_ONCE = 4


class Passwords:
    """Makes and checks hashes in threads, with the effort of ``hasher`` (by default argon2's own)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobody = ""

    async def hash(self, user: str, password: "SecretStr") -> str:
        """The hash of a new password. Raises :class:`InputError` for one that holds the user's name."""
        text = password.get_secret_value()
        if user.lower() in text.lower():
            raise InputError("the password holds your name", hint="Choose another one of at least 12 characters.")
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, text)

    async def matches(self, password_hash: str, password: "SecretStr") -> bool:
        """Whether a password is the right one; an empty hash (nobody, no password yet) takes as long and is not."""
        async with self._turns:
            return await asyncio.to_thread(self._matches, password_hash, password.get_secret_value())

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with less effort than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        known = bool(password_hash)
        if not known:
            self._nobody = self._nobody or self._hasher.hash("nobody has this password")
        try:
            return self._hasher.verify(password_hash or self._nobody, password) and known
        except (VerificationError, InvalidHashError):
            return False
