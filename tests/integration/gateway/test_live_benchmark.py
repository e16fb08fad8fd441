"""The benchmark of live events runs, and tells what it promises; its numbers are for a quiet machine.

Memory per client is not judged here: of 60 connections it is less than what a process takes and gives back by itself.
How it is computed is checked in tests/unit/benchmarks.
"""

import math
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[3]
FIELDS = {"server", "clients", "rounds", "p50_ms", "p99_ms", "max_ms", "all_p50_ms", "all_p99_ms", "kib_per_client"}


def test_the_benchmark_reaches_every_client_of_every_server_and_writes_its_numbers(tmp_path):
    report = tmp_path / "bench-ws.json"
    command = [sys.executable, "-m", "benchmarks.ws", "--clients", "60", "--rounds", "2", "--json", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert "times picows, bare until all have it" in done.stdout
    found = msgspec.json.decode(report.read_bytes())
    by_server = {result["server"]: result for result in found["results"]}
    assert list(by_server) == ["FastAPI, bare", "picows, bare", "Millstream's hub"]
    for result in by_server.values():
        assert set(result) == FIELDS
        assert (result["clients"], result["rounds"]) == (60, 2)
        assert 0 < result["p50_ms"] <= result["p99_ms"] <= result["max_ms"]
        assert 0 < result["all_p50_ms"] <= result["all_p99_ms"] <= result["max_ms"]
        assert math.isfinite(result["kib_per_client"])
    ours, base = by_server["Millstream's hub"], by_server["picows, bare"]
    assert found["ratio"] == pytest.approx(ours["all_p50_ms"] / base["all_p50_ms"])
    assert (found["aim_ratio"], found["aim_kib"]) == (2.2, 35.0)
