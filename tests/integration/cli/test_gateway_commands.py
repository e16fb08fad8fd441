"""The commands over a real gateway, as people with API keys of different roles, and beside this machine's own."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.gateway import GatewayApp, gateway_app, serving_http
from support.strategies import cross, save
from support.trading import DEPLOYMENT, KEY, PORTFOLIO, eventually, record, rows, seed, serving, slice_of

from millstream.bus.base import EventBus
from millstream.store.database import connect_sync

READS = (
    ("orders",),
    ("orders", "-d", DEPLOYMENT, "-i", "A", "-n", "2"),
    ("fills", "--portfolio", PORTFOLIO),
    ("positions",),
    ("rejections",),
    ("portfolio",),
    ("portfolio", PORTFOLIO),
    ("risk", "-d", DEPLOYMENT),
    ("deployments",),
    ("releases",),
)


@dataclass
class Served:
    """A gateway on a real port."""

    app: GatewayApp
    url: str

    @property
    def bus(self) -> EventBus:
        return self.app.gateway.bus

    async def key(self, role: str, *scopes: str) -> str:
        """An API key of a new person of ``role``."""
        wanted = {"name": "command line", "scopes": scopes}
        made = await self.app.client.post("/api/v1/keys", json=wanted, headers=self.app.login_as(role))
        assert made.status_code == 200, made.text
        found: str = made.json()["key"]
        return found

    async def ticket(self, key: str, **fields: str) -> dict[str, Any]:
        """A manual order to buy that risk let through."""
        ticket = {"deployment": DEPLOYMENT, "instrument": KEY, "side": "buy", **fields}
        headers = {"Authorization": f"Bearer {key}"}
        made = await self.app.client.post("/api/v1/orders", json=ticket, headers=headers)
        assert made.json().get("order"), made.text
        found: dict[str, Any] = made.json()
        return found

    async def play(self, day: int, prices: Sequence[int]) -> None:
        """A bar of the market, which the trading service has seen when this returns."""
        dsn = self.app.gateway.endpoints.database_url
        before = rows(dsn, "SELECT count(*) FROM equity")[0][0]
        await self.bus.publish([record(event) for event in slice_of(day, prices)])
        await eventually(lambda: rows(dsn, "SELECT count(*) > %s FROM equity", before)[0][0])


@asynccontextmanager
async def served(database_url: str, redis_url: str, workspace: Path) -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = {"gateway_port": port, "workspace": workspace}
        # The gateway is in this process, and its log would stand among what the commands print.
        with capture_logs():
            async with gateway_app(database_url, redis_url, **settings) as app, serving_http(app.app, listener):
                yield Served(app, f"http://127.0.0.1:{port}")


@pytest.fixture
async def gateway(database, history_template, redis_url, tmp_path) -> AsyncIterator[Served]:
    """Over a database with a short trading history."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    save(cross(), workspace / "cross.ipynb")
    async with served(database(history_template), redis_url, workspace) as found:
        yield found


@pytest.fixture
def there(millstream, gateway, monkeypatch) -> Callable[..., Awaitable]:
    """``await there(key, "orders")`` runs that command through the gateway."""

    async def run(key: str, *words: str):
        monkeypatch.setenv("MILLSTREAM_TOKEN", key)
        return await asyncio.to_thread(millstream, "--url", gateway.url, *words)

    # The command line's own fixture has a database of its own: both shall look at the gateway's.
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", gateway.app.gateway.endpoints.database_url)
    return run


async def test_reads_are_the_same_documents_and_tables_here_and_through_the_gateway(
    gateway, there, millstream, tmp_path
):
    (tmp_path / "runner.log").write_text("one\ntwo [bold]\nthree\n")
    with connect_sync(gateway.app.gateway.endpoints.database_url) as conn:
        conn.execute(
            "INSERT INTO runners VALUES (%s, 1, 'running', '', 42, 'here', 0, now(), now(), '', %s, 0, '{}')",
            (DEPLOYMENT, str(tmp_path / "runner.log")),
        )
    key = await gateway.key("viewer", "read")
    for words in READS:
        remote = await there(key, *words, "--json")
        assert remote.code == 0, (words, remote.err)
        assert remote.json, words
        assert remote.json == (await asyncio.to_thread(millstream, *words, "--json")).json, words
    logs = ("logs", DEPLOYMENT, "--lines", "2")
    for words in (("orders",), ("portfolio", PORTFOLIO), ("risk",), logs):
        assert (await there(key, *words)).out == (await asyncio.to_thread(millstream, *words)).out, words
    assert (await there(key, *logs)).out == "two [bold]\nthree\n"


async def test_environment_file_and_options_say_where_it_works_and_errors_are_of_their_kind(
    gateway, millstream, monkeypatch, tmp_path
):
    monkeypatch.setenv("MILLSTREAM_URL", gateway.url)
    file = tmp_path / "token"
    file.write_text(f"{await gateway.key('viewer', 'read')}\n")
    seen = await asyncio.to_thread(millstream, "--token-file", str(file), "status", "--json")
    assert {one["name"] for one in seen.json["health"]["checks"]} >= {"database", "trading"}
    assert seen.code == 1  # nothing trades in this test
    assert (await asyncio.to_thread(millstream, "orders")).code == 2  # no token
    assert (await asyncio.to_thread(millstream, "--local", "orders")).code == 0
    monkeypatch.setenv("MILLSTREAM_TOKEN", "ms_wrong")
    refused = await asyncio.to_thread(millstream, "orders")
    assert (refused.code, "token" in refused.err) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    away = await asyncio.to_thread(millstream, "--url", f"http://127.0.0.1:{port}", "orders", "--json")
    assert (away.code, away.out) == (5, "")
    assert "does not answer" in away.err


async def test_a_viewer_is_refused_every_command_and_told_why(gateway, there):
    key = await gateway.key("viewer", "read")
    for words in (
        ("halt", "--global", "--reason", "x"),
        ("resume", "--global", "--reason", "x"),
        ("pause", DEPLOYMENT),
        ("start", DEPLOYMENT),
        ("stop", DEPLOYMENT),
        ("cancel", "any"),
        ("flatten", "-d", DEPLOYMENT, "--yes"),
        ("promote", "cross.ipynb"),
        ("promote", "cross.ipynb", "-p", "fast=3"),
    ):
        refused = await there(key, *words, "--json")
        assert (refused.code, refused.out) == (2, ""), (words, refused)
        assert "is viewer" in " ".join(refused.err.split()), words
        assert "what to do" in refused.err, words


async def test_a_trader_halts_pauses_stops_and_closes_and_this_machine_sees_it(gateway, there, millstream):
    key = await gateway.key("trader", "read", "trade", "halt", "deploy")
    halted = await there(key, "halt", "-d", DEPLOYMENT, "--reason", "a test", "--json")
    assert (halted.code, halted.json["sealed"]) == (0, True)
    [seen] = (await asyncio.to_thread(millstream, "risk", "--json")).json["halts"]
    assert (seen["scope_id"], seen["reason"]) == (DEPLOYMENT, "a test")
    assert seen["actor"].startswith("trader-")
    assert (await there(key, "pause", DEPLOYMENT)).code == 4  # halted is stricter
    assert (
        await there(key, "resume", "-d", DEPLOYMENT, "--reason", "over")
    ).out == f"active: deployment {DEPLOYMENT}\n"
    assert (await there(key, "resume", "-d", DEPLOYMENT, "--reason", "over")).code == 3
    assert "reduce_only" in (await there(key, "pause", DEPLOYMENT)).out
    assert (await asyncio.to_thread(millstream, "unpause", DEPLOYMENT, "--json")).json["halt"] == "active"
    stopped = await there(key, "stop", DEPLOYMENT, "--json")
    assert stopped.json["desired_state"] == "stopped", stopped.err
    assert (await there(key, "stop", DEPLOYMENT)).code == 4


async def test_a_trader_cancels_and_flattens(gateway_database, redis_url, tmp_path, millstream, monkeypatch):
    seed(gateway_database)
    async with served(gateway_database, redis_url, tmp_path) as gateway, serving(gateway_database, gateway.bus):
        key = await gateway.key("trader", "read", "trade")

        async def there(*words: str):
            monkeypatch.setenv("MILLSTREAM_TOKEN", key)
            return await asyncio.to_thread(millstream, "--url", gateway.url, *words)

        await gateway.play(10, (100, 101, 99, 100))
        far = await gateway.ticket(key, quantity="1", order_type="limit", limit_price="50")
        canceled = await there("cancel", far["order"]["order"], "--json")
        assert canceled.json["state"] == "canceled", canceled.err
        assert (await there("cancel", far["order"]["order"])).code == 4
        await gateway.ticket(key, quantity="5")
        await gateway.play(11, (102, 104, 101, 103))
        [held] = (await there("positions", "--json")).json
        assert held["quantity"] == "5"
        flat = await there("flatten", "-d", DEPLOYMENT, "-i", "A", "--yes", "--json")
        assert flat.code == 0, flat.err
        [closing] = flat.json["closing"]
        assert (closing["order"]["side"], closing["order"]["quantity"]) == ("sell", "5")


async def test_an_error_of_the_gateway_has_the_exit_code_of_its_kind(gateway, there):
    key = await gateway.key("admin", "read", "trade", "halt", "promote", "deploy")
    for words, code, says in (
        (("orders", "-d", "depp"), 3, f"Did you mean '{DEPLOYMENT}'?"),
        (("halt", "-d", "depp", "--reason", "x"), 3, "millstream deployments"),
        (("portfolio", "pff"), 3, "millstream portfolio"),
        (("fills", "-i", "B"), 3, "not a registered instrument"),
        (("logs", DEPLOYMENT), 3, "has not run yet"),
        (("promote", "absent.ipynb"), 3, "absent.ipynb"),
        (("promote", "cross.ipynb", "-p", "fsat=3"), 2, "Did you mean 'fast'?"),
        (("promote", "cross.ipynb", "-p", "fast=x"), 2, "not an integer"),
        (("flatten", "-d", DEPLOYMENT), 2, "--yes"),
        (("cancel", "absent"), 3, "absent"),
    ):
        done = await there(key, *words)
        assert (done.code, done.out) == (code, ""), (words, done)
        assert says in " ".join(done.err.split()), words


async def test_a_promotion_is_followed_with_its_steps_to_its_end(gateway, there, monkeypatch):
    """The recipe itself is tested elsewhere: here it says two steps and names a deployment."""

    class Made:
        deployment_id, release = DEPLOYMENT, "cross@1"

    async def recipe(request, deps, progress):
        assert request.parameters == {"fast": 7}
        assert str(request.deploy.capital) == "500"
        progress("inspect", "cross.ipynb")
        await asyncio.sleep(0)
        progress("deploy", "cross@1 to paper")
        return Made()

    monkeypatch.setattr("millstream.gateway.commands.promotion.promoting.promote", recipe)
    key = await gateway.key("researcher", "read", "promote")
    words = ("promote", "cross.ipynb", "-p", "fast=7", "--capital", "500", "--json")
    done = await there(key, *words)
    assert done.code == 0, done.err
    assert json.loads(done.out)["deployment"] == DEPLOYMENT
    assert "inspect" in done.err
    assert "cross@1 to paper" in done.err


async def test_halting_on_this_machine_needs_neither_gateway_nor_bus(millstream, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_REDIS_URL", "redis://127.0.0.1:1")
    halted = await asyncio.to_thread(millstream, "halt", "--global", "--reason", "no bus", "--json")
    assert halted.code == 0, halted.err
    assert halted.json["halt"]["state"] == "halted"
    assert "the bus does not answer" in halted.err


async def test_a_command_that_needs_the_bus_is_a_passing_fault_without_it(gateway, millstream, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_DATABASE_URL", gateway.app.gateway.endpoints.database_url)
    monkeypatch.setenv("MILLSTREAM_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr("millstream.gateway.commands.waiting.PATIENCE", 0.2)
    refused = await asyncio.to_thread(millstream, "flatten", "-d", DEPLOYMENT, "--yes", "--json")
    assert (refused.code, refused.out) == (5, ""), refused.err
    assert "the event bus does not answer" in refused.err
