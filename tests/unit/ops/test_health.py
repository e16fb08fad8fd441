import asyncio
import json
from pathlib import Path

import pytest

from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import ConfigurationError
from millstream.ops.health import HealthServer, examine, port_of
from millstream.ops.metrics import Buckets, Metrics
from millstream.ops.settings import Settings


def settings(home: Path, ports: str = "") -> Settings:
    return Settings(_env_file=None, home=home, metrics_ports=ports)


async def well() -> str:
    return "answers"


async def ill() -> str:
    msg = "password of somebody"
    raise ConnectionError(msg)


async def ask(port: int, request: str) -> tuple[str, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return head.split("\r\n", 1)[0], body


async def test_check_that_fails_is_told_without_its_text():
    health = await examine({"good": well, "bad": ill}, ManualClock())
    assert health.status == "degraded"
    assert [(one.name, one.ok) for one in health.checks] == [("good", True), ("bad", False)]
    assert "password" not in health.model_dump_json()


async def test_check_that_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("millstream.ops.health.CHECK_SECONDS", 0.01)
    health = await examine({"slow": asyncio.Event().wait}, ManualClock())
    assert (health.checks[0].ok, health.checks[0].detail) == (False, "no answer within 0.01 s")


async def test_port_tells_health_readiness_and_metrics(tmp_path: Path):
    buckets = Buckets()
    for value in (0.0004, 0.003, 99.0):
        buckets.add(value)
    metrics = Metrics()
    metrics.add(lambda: [buckets.family("millstream_wait_seconds", "Waits")])
    checks = {"good": well}
    async with HealthServer("trading", settings(tmp_path), checks=checks, metrics=metrics) as server:
        assert (tmp_path / "run" / "health" / "trading").read_text() == f"{server.port}\n"
        alive = await ask(server.port, "GET /healthz HTTP/1.1\r\n\r\n")
        ready = await ask(server.port, "GET /readyz?x=1 HTTP/1.1\r\n\r\n")
        checks["bad"] = ill
        unready = await ask(server.port, "GET /readyz HTTP/1.1\r\n\r\n")
        counted = await ask(server.port, "GET /metrics HTTP/1.1\r\n\r\n")
        nothing = await ask(server.port, "GET / HTTP/1.1\r\n\r\n")
        written = await ask(server.port, "POST /healthz HTTP/1.1\r\n\r\n")

    assert alive == ("HTTP/1.1 200 OK", '{"status":"ok"}')
    assert (ready[0], json.loads(ready[1])["status"]) == ("HTTP/1.1 200 OK", "ok")
    assert (unready[0], json.loads(unready[1])["status"]) == ("HTTP/1.1 503 Service Unavailable", "degraded")
    assert 'millstream_wait_seconds_bucket{le="0.005"} 2.0' in counted[1]
    assert 'millstream_wait_seconds_bucket{le="+Inf"} 3.0' in counted[1]
    assert "process_resident_memory_bytes" in counted[1]
    assert (nothing[0], written[0]) == ("HTTP/1.1 404 Not Found", "HTTP/1.1 405 Method Not Allowed")
    assert not (tmp_path / "run" / "health" / "trading").exists()


async def test_request_that_never_ends_does_not_keep_the_port_open(tmp_path: Path):
    async with HealthServer("market", settings(tmp_path), checks={}, metrics=Metrics()) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /healthz")
        await writer.drain()
    writer.close()


@pytest.mark.parametrize("ports", ["trading", "trading=x", "nobody=1", "market=70000"])
def test_port_of_no_service_is_refused(tmp_path: Path, ports: str):
    with pytest.raises(ConfigurationError, match="is not a service and its port"):
        port_of(settings(tmp_path, ports), "trading")


def test_ports_are_taken_by_name(tmp_path: Path):
    config = settings(tmp_path, "trading=9101, market=9102")
    assert [port_of(config, name) for name in ("trading", "market", "supervisor")] == [9101, 9102, 0]
