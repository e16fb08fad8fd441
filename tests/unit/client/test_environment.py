import pytest

from millstream.client import AsyncClient, Client, environment
from millstream.contracts.errors import ConfigurationError


def test_address_and_token_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_URL", "http://gateway:1/")
    monkeypatch.setenv("MILLSTREAM_TOKEN", "mine")
    for kind in (AsyncClient, Client):
        client = kind.from_environment()
        assert (client.url, client.token) == ("http://gateway:1", "mine")


def test_without_an_address_the_error_says_how_to_log_in():
    with pytest.raises(ConfigurationError, match="MILLSTREAM_URL is not set") as caught:
        environment.gateway({})
    assert "millstream up" in caught.value.hint
    assert not environment.is_configured({})


def test_an_address_of_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match="no address of a gateway"):
        environment.gateway({"MILLSTREAM_URL": "localhost:8000"})
