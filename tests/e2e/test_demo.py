"""``millstream demo``: both strategies trade on paper as in their backtests, and nothing is left behind."""

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import nbformat
import pytest
from support.servers import require_kafka

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# `make demo` plays all years, which takes a minute and a half on two cores that do nothing else.
SINCE = "2010-01-01"


def assert_truthful(path: str) -> None:
    """Every cell of an executed notebook says whether it ran; the parameters that were injected stand in it."""
    notebook = nbformat.read(path, as_version=4)
    said = {cell.metadata.papermill.status for cell in notebook.cells if cell.cell_type == "code"}
    assert said <= {"completed", "skipped", "stopped"}
    assert "completed" in said
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in notebook.cells) or all(
        "parameters" not in cell.metadata.get("tags", []) or cell.source for cell in notebook.cells
    )


def assert_paper_equals_backtest(result: dict[str, Any]) -> None:
    assert result["equal"] is True
    assert [run["release"] for run in result["runs"]] == ["sma_cross@1", "momentum_rotation@1"]
    for run in result["runs"]:
        parity = run["parity"]
        assert parity["equal"] is True
        assert parity["paper_orders"] == parity["backtest_orders"] == parity["matched"] == run["orders"] > 10
        assert abs(parity["pnl_bps"]) < 1
        assert run["fills"] >= run["orders"] - 1
        assert run["rejections"] == []
        assert 0 < run["latency"]["acked_p50"] <= run["latency"]["acked_p99"]
        assert_truthful(run["executed_notebook"])


def demo(cli, bus: str) -> dict[str, Any]:
    result = cli.json("demo", "--bus", bus, "--start", SINCE, seconds=280)
    assert cli.processes() == []
    assert Path(result["home"]).is_relative_to(cli.home)
    return result


def test_demo_on_redis_gives_equal_runs_and_leaves_no_process(cli):
    result = demo(cli, "redis")
    assert result["bus"] == "redis"
    assert_paper_equals_backtest(result)


@pytest.mark.kafka
def test_demo_on_kafka_gives_the_same_result(cli):
    require_kafka()
    result = demo(cli, "kafka")
    assert result["bus"] == "kafka"
    assert_paper_equals_backtest(result)


def test_demo_interrupted_in_the_replay_exits_130_and_leaves_no_process(cli):
    process = cli.start("demo")
    assert process.stderr is not None
    for line in process.stderr:
        if "replay" in line:
            break
    inside = dataclasses.replace(cli, home=cli.home / "demo")
    while not inside.json("orders", "--limit", "1"):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert cli.processes() == []


def test_demo_with_a_wrong_bus_says_which_there_are(cli):
    done = cli.run("demo", "--bus", "rabbit")
    assert done.returncode == 2
    assert "redis or --bus kafka" in done.stderr
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.stdout)
