import pytest

from millstream.contracts.errors import ConfigurationError
from millstream_dashboards.monitor.config import DEFAULT_PORT, Config


def test_config_comes_from_the_environment():
    config = Config.from_environment({"MILLSTREAM_URL": "http://gate:1/", "MILLSTREAM_MONITOR_PORT": "0"})
    assert (config.gateway, config.bind, config.port) == ("http://gate:1", "127.0.0.1", 0)


def test_unset_port_takes_the_default():
    assert Config.from_environment({"MILLSTREAM_URL": "http://gate:1"}).port == DEFAULT_PORT


@pytest.mark.parametrize(
    "environment", [{}, {"MILLSTREAM_URL": "http://g", "MILLSTREAM_MONITOR_PORT": "x"},
                    {"MILLSTREAM_URL": "http://g", "MILLSTREAM_MONITOR_PORT": "70000"}],
)  # fmt: skip
def test_a_missing_gateway_and_a_wrong_port_are_refused_with_a_hint(environment):
    with pytest.raises(ConfigurationError) as caught:
        Config.from_environment(environment)
    assert caught.value.hint


def test_only_own_hosts_may_open_a_websocket():
    assert Config("http://g").origins(5) == ["127.0.0.1:5", "localhost:5"]
    assert Config("http://g", bind="10.1.2.3").origins(5) == ["10.1.2.3:5"]
