"""``millstream up``: a JupyterLab that promotes a strategy with one line, on services that come back when killed."""

import asyncio
import json
import os
import signal
import urllib.error
from functools import partial

import nbformat
import psutil
import pytest
from support.jupyter import Lab
from support.people import Person, eventually, first_admin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PROMOTE = "%ms promote strategies/sma_cross.ipynb -p fast=2 -p slow=4"


def newest_fill(person: Person) -> str:
    return person.items("fills", deployment="sma_cross", limit=1)[0]["trade_id"]


def kill_and_wait(cli, person: Person, name: str) -> None:
    """Kill a service; another process takes its place, and the deployment trades on."""
    node = json.loads((cli.home / "run" / "node.json").read_text())
    pid = node["services"][name]
    before = person.deployment("sma_cross")["last_slice"]
    command = " ".join(psutil.Process(pid).cmdline())
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: command in cli.processes())
    eventually(lambda: person.deployment("sma_cross")["last_slice"] > before)


async def test_up_gives_a_jupyterlab_that_promotes_trades_and_survives_kills(cli, repository):
    node = await asyncio.to_thread(cli.json, "up", "--detach", "--speed", "10")
    admin = await asyncio.to_thread(first_admin, node["gateway_url"], node["setup_link"])
    lab = Lab(node["lab_url"], admin.token)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        await asyncio.to_thread(lab.request, "GET", "/api/contents", token="wrong")

    async with lab.kernel("strategies/sma_cross.ipynb") as kernel:
        notebook = nbformat.read(repository / "strategies" / "sma_cross.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                ran = await kernel.run(cell.source)
                assert ran.error == "", cell.source
        assert "preflight" in (ran.text + ran.html).lower()
        assert (await kernel.run("%ms status --json")).text.strip() == "[]"

        promoted = await kernel.run(PROMOTE)
        assert promoted.error == ""
        assert "sma_cross@1" in promoted.text, promoted.text
        await asyncio.to_thread(eventually, partial(admin.items, "fills", deployment="sma_cross"))
        for line, expected in (("fills", "SAMPLE:AAPL"), ("status", "running"), ("positions", "Positions")):
            shown = await kernel.run(f"%ms {line}")
            assert expected in shown.text, line
            assert shown.error == "", line

        halted = await kernel.run("%ms halt --deployment sma_cross --reason 'a test'")
        assert "halted" in halted.text
        refused = partial(admin.items, "rejections", deployment="sma_cross", code="HALTED")
        await asyncio.to_thread(eventually, refused)
        assert "active" in (await kernel.run("%ms resume --deployment sma_cross --reason 'it is over'")).text
        mistyped = await kernel.run("%ms promote strategies/sma_cross.ipynb -p fsat=2")
        assert "Did you mean 'fast'" in mistyped.text
        assert "Traceback" not in mistyped.text + mistyped.error

    fill = newest_fill(admin)
    await asyncio.to_thread(kill_and_wait, cli, admin, "trading")
    await asyncio.to_thread(kill_and_wait, cli, admin, "market")
    await asyncio.to_thread(eventually, lambda: newest_fill(admin) != fill)
    printed = await asyncio.to_thread(cli.json, "fills", "-d", "sma_cross")
    assert fill in {one["trade_id"] for one in printed}

    again = await asyncio.to_thread(cli.run, "up", "--no-lab")
    assert again.returncode == 4
    assert "already runs" in again.stderr
    stopped = await asyncio.to_thread(cli.run, "down")
    assert stopped.returncode == 0
    assert cli.processes() == []


def test_up_in_the_foreground_stops_everything_on_ctrl_c(cli):
    process = cli.start("up", "--no-lab", "--json")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    assert json.loads("".join(lines))["lab_url"] == ""
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output == ""
    assert cli.processes() == []
    assert cli.run("lab").returncode == 3
