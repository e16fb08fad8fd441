from pathlib import Path

import pytest
from pydantic import SecretStr

from millstream.contracts.errors import ConfigurationError
from millstream.gateway.auth.keyring import Keyring, load_keyring
from millstream.ops.settings import Settings


def settings(home: Path, key: str = "") -> Settings:
    return Settings(_env_file=None, home=home, session_key=SecretStr(key) if key else None)


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path):
    first, second = load_keyring(settings(tmp_path)), load_keyring(settings(tmp_path))
    assert first.derive("tokens") == second.derive("tokens")
    path = tmp_path / "keys" / "session.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path):
    load_keyring(settings(tmp_path))
    (tmp_path / "keys" / "session.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="open to others"):
        load_keyring(settings(tmp_path))


def test_the_setting_wins_and_writes_nothing(tmp_path: Path):
    load_keyring(settings(tmp_path, "s" * 40))
    assert list(tmp_path.iterdir()) == []


def test_a_short_key_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="too short"):
        load_keyring(settings(tmp_path, "short"))


def test_what_was_sealed_is_read_with_the_same_key_only():
    sealed = Keyring(b"a" * 32).seal("secret")
    assert "secret" not in sealed
    assert Keyring(b"a" * 32).unseal(sealed) == "secret"
    with pytest.raises(ConfigurationError, match="another session key"):
        Keyring(b"b" * 32).unseal(sealed)


def test_keys_differ_by_purpose_and_are_not_shown():
    keyring = Keyring(b"a" * 32)
    assert keyring.derive("tokens") != keyring.derive("csrf")
    assert "a" * 8 not in repr(keyring)
