"""The benchmark of live events runs, and tells what it promises; its numbers are for a quiet machine."""

import subprocess
import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[3]


def test_the_benchmark_reaches_every_client_of_every_server_and_writes_its_numbers(tmp_path):
    report = tmp_path / "bench-ws.json"
    command = [sys.executable, "-m", "benchmarks.ws", "--clients", "60", "--rounds", "2", "--json", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert "times picows, bare until all have it" in done.stdout
    found = msgspec.json.decode(report.read_bytes())
    assert [result["clients"] for result in found["results"]] == [60, 60, 60]
    assert all(result["all_p50_ms"] > 0 and result["kib_per_client"] >= 0 for result in found["results"])
    assert found["ratio"] > 0
