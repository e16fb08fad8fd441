import pytest

from millstream_kernel.server.allowed import is_allowed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "me"),
        ("GET", "deployments"),
        ("GET", "deployments/sma_cross-1/log"),
        ("GET", "deployments/sma%20cross/runs/3/notebook"),
        ("GET", "releases/sma_cross@3"),
        ("POST", "promotions"),
        ("POST", "deployments/sma_cross/start"),
        ("POST", "halts/resume"),
    ],
)
def test_what_the_panel_uses_is_passed_on(method: str, path: str):
    assert is_allowed(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "users"),
        ("GET", "audit"),
        ("POST", "session/delegate"),
        ("POST", "orders"),
        ("POST", "flatten"),
        ("DELETE", "halts"),
        ("PATCH", "deployments/sma_cross"),
        ("GET", "deployments/../users"),
        ("GET", "deployments/%2e%2e"),
        ("GET", "deployments/a%2Fb"),
        ("GET", "deployments/a%5Cb"),
        ("GET", "deployments/a%3Fb"),
        ("GET", "deployments//log"),
        ("GET", "deployments/a\n"),
        ("GET", ""),
    ],
)
def test_everything_else_is_not(method: str, path: str):
    assert not is_allowed(method, path)
