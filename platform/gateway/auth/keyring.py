"""The installation's secret: it signs tokens, seals TOTP secrets and makes CSRF tokens, each with a key of its own."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from ...contracts.errors import ConfigurationError
from ...ops.settings import Settings

KEY_BYTES = 32


class Keyring:
    """Keys derived from one ``master`` of at least 32 bytes; none of them says anything about another."""

    def __init__(self, master: bytes) -> None:
        if len(master) < KEY_BYTES:
            raise ConfigurationError(
                "The session key is too short", hint=f"Set MILLSTREAM_SESSION_KEY to {KEY_BYTES} random bytes or more."
            )
        self._master = master
        self._vault = Fernet(base64.urlsafe_b64encode(self.derive("totp")))

    def __repr__(self) -> str:
        return "Keyring(…)"

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        return hmac.digest(self._master, f"millstream.{purpose}".encode(), hashlib.sha256)

    def seal(self, secret: str) -> str:
        """``secret`` as it may stand in the database."""
        return self._vault.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """What :meth:`seal` took. Raises :class:`ConfigurationError` when another key sealed it."""
        try:
            return self._vault.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ConfigurationError(
                "A second factor was set up under another session key",
                hint="Restore the key, or let an admin reset the person (POST /api/v1/users/{user}/reset).",
            ) from error


def load_keyring(settings: Settings) -> Keyring:
    """The key of the settings, else that of ``<home>/keys/session.key``, made at the first start.

    Raises :class:`ConfigurationError` when the key is short or others can read its file.
    """
    if settings.session_key is not None:
        return Keyring(settings.session_key.get_secret_value().encode())
    return Keyring(_key_file(settings.home / "keys" / "session.key"))


def _key_file(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path} is open to others", hint=f"Close it: chmod 600 {path}")
    return path.read_bytes()


def _create(path: Path) -> None:
    """Written aside and linked into place: of two processes starting at once, both use the key of the first."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
