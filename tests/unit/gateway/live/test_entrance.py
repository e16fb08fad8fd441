import pytest

from millstream.gateway.live.entrance import Entrance
from millstream.ops.settings import Settings

PORTS = {"gateway_port": 8000, "monitor_port": 8001, "trader_port": 8002, "lab_port": 8003}


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "127.0.0.1:8004", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8004", True),
        ("http://127.0.0.1:8001", "127.0.0.1:8004", True),
        ("https://ms.example:8003", "ms.example:8004", True),
        ("https://desk.example", "desk.example:8004", True),
        ("http://127.0.0.1:9000", "127.0.0.1:8004", False),
        ("http://evil.example:8000", "127.0.0.1:8004", False),
        ("http://evil.example:8000", "evil.example:8004", False),
        (None, "evil.example:8004", False),
        ("http://localhost:8000", "127.0.0.1:8004", False),
        ("http://127.0.0.1", "127.0.0.1:8004", False),
        ("null", "127.0.0.1:8004", False),
        ("file:///tmp/page.html", "127.0.0.1:8004", False),
        ("http://127.0.0.1:no", "127.0.0.1:8004", False),
        ("http://127.0.0.1:8000", "", False),
    ],
)
def test_only_the_screens_of_the_same_host_may_connect(origin, host, allowed):
    settings = Settings(**PORTS, public_url="https://desk.example", known_hosts="ms.example", _env_file=None)
    assert (Entrance(settings).refusal(origin, host) == "") is allowed


def test_a_gateway_on_a_free_port_lets_any_port_of_its_host_connect():
    entrance = Entrance(Settings(_env_file=None))
    assert entrance.refusal("http://127.0.0.1:4321", "127.0.0.1:8004") == ""
    assert entrance.refusal("http://evil.example:4321", "127.0.0.1:8004")
