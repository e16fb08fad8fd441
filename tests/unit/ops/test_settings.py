"""Settings from the environment."""

import pytest

from millstream.contracts.errors import ConfigurationError
from millstream.ops.settings import load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "BUS", "DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(f"MILLSTREAM_{name}", raising=False)


def test_variable_with_a_typing_error_is_refused_with_the_near_match(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_BSU", "kafka")
    with pytest.raises(ConfigurationError, match="MILLSTREAM_BSU") as caught:
        load_settings()
    assert "MILLSTREAM_BUS" in caught.value.hint


def test_value_of_the_wrong_kind_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_BUS", "rabbit")
    with pytest.raises(ConfigurationError, match="bus"):
        load_settings()


def test_kafka_without_an_address_says_what_to_do(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_BUS", "kafka")
    with pytest.raises(ConfigurationError, match="make kafka"):
        load_settings()


def test_unknown_key_in_the_env_file_is_refused(tmp_path):
    (tmp_path / ".env").write_text("MILLSTREAM_HOOM=/tmp\n")
    with pytest.raises(ConfigurationError, match="hoom"):
        load_settings()


def test_secret_is_neither_shown_nor_part_of_the_fingerprint(monkeypatch):
    plain = load_settings()
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", "postgresql://u:cnry@h/d")
    first = load_settings()
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", "postgresql://u:other@h/d")
    assert "cnry" not in repr(first) + first.model_dump_json()
    assert first.fingerprint == load_settings().fingerprint != plain.fingerprint
