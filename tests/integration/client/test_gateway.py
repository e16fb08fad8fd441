"""The client and ``%ms`` against the real gateway: HTTP, PostgreSQL, Redis and the live stream."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from support.gateway import GatewayApp, gateway_app, serving_http
from traitlets.config import Config

from millstream.client import (
    ApiConflictError,
    ApiInputError,
    ApiNotFoundError,
    AsyncClient,
    AuthenticationError,
    LiveEvent,
    PermissionDeniedError,
    Snapshot,
    Subscription,
)
from millstream.contracts.enums import ScopeKind
from millstream.gateway import live
from millstream_kernel.magics import MillstreamMagics

HALTS = [Subscription(topic="halts")]


@dataclass
class Served:
    """The gateway's application on a real port."""

    app: GatewayApp
    url: str

    def token(self, role: str) -> str:
        return self.app.login_as(role)["Authorization"].removeprefix("Bearer ")

    def client(self, role: str) -> AsyncClient:
        return AsyncClient(self.url, self.token(role), waits=(0.05, 0.2))


@pytest.fixture
async def gateway(gateway_database, redis_url, tmp_path) -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = {"gateway_port": port, "stream_port": 0, "workspace": tmp_path}
        async with gateway_app(gateway_database, redis_url, **settings) as app, live.serving(app.gateway) as hub:
            app.app.state.hub = hub
            async with serving_http(app.app, listener):
                yield Served(app, f"http://127.0.0.1:{port}")


@pytest.fixture
def shell():
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.display_pub = CapturingDisplayPublisher(parent=shell)
    yield shell
    InteractiveShell.clear_instance()


async def in_kernel(shell, monkeypatch, served, role, *lines) -> str:
    """What ``%ms`` of each line displays in the kernel of a person of ``role``."""
    monkeypatch.setenv("MILLSTREAM_URL", served.url)
    monkeypatch.setenv("MILLSTREAM_TOKEN", served.token(role))
    magics = MillstreamMagics(shell)

    def run() -> None:
        for line in lines:
            magics.ms(line)
        magics.session.client.close()

    await asyncio.to_thread(run)
    return "\n".join(output["data"]["text/plain"] for output in shell.display_pub.outputs)


async def test_reads_commands_and_refusals_of_each_kind(gateway):
    async with gateway.client("viewer") as viewer, gateway.client("operator") as operator:
        me = await viewer.me()
        assert me.role == "viewer"
        assert await viewer.me() is me  # 304: the known answer
        assert [one async for one in viewer.iterate(viewer.list_orders, working=True)] == []
        with pytest.raises(PermissionDeniedError) as refused:
            await viewer.halt(scope=ScopeKind.GLOBAL, reason="a test")
        assert refused.value.hint
        with pytest.raises(ApiNotFoundError):
            await viewer.get_deployment("nothing")
        with pytest.raises(ApiInputError) as wrong:
            await viewer.list_orders(limit=0)
        assert wrong.value.faults[0].where == "query.limit"
        halted = await operator.halt(scope=ScopeKind.GLOBAL, reason="a test")
        assert halted.sealed
        assert [one.state for one in (await viewer.list_halts()).items] == ["halted"]
    async with AsyncClient(gateway.url, "wrong") as nobody:
        with pytest.raises(AuthenticationError):
            await nobody.me()


async def test_a_command_that_is_sent_twice_under_its_key_takes_effect_once(gateway):
    async with gateway.client("admin") as admin:
        call = AsyncClient.invite_user.request(user="bob", role="viewer")
        first = await admin.call(call, key="k1")
        assert first.user.user == "bob"
        with pytest.raises(ApiConflictError, match="shown only once"):
            await admin.call(call, key="k1")
        assert [one.user for one in (await admin.list_users()).items].count("bob") == 1


async def test_the_live_stream_tells_of_a_halt(gateway):
    async with gateway.client("operator") as operator, aclosing(operator.live(HALTS)) as stream:
        async with asyncio.timeout(30):
            assert await anext(stream) == Snapshot("halts", "halts", ())
            await operator.halt(scope=ScopeKind.GLOBAL, reason="a test")
            update = await anext(stream)
    assert isinstance(update, LiveEvent)
    assert (update.event["state"], update.event["scope"]) == ("halted", "global")


async def test_a_viewers_kernel_cannot_promote_and_is_told_what_to_do(gateway, shell, monkeypatch, tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), Path(tmp_path) / "mine.ipynb")
    shown = await in_kernel(shell, monkeypatch, gateway, "viewer", f"promote {tmp_path / 'mine.ipynb'}")
    assert shown.startswith("error: ")
    assert "what to do: " in shown
    assert "viewer" in shown or "permission" in shown


async def test_an_operators_kernel_reads_halts_and_resumes(gateway, shell, monkeypatch):
    reads = ("status", "positions", "orders", "fills", "rejections", "portfolio", "risk", "releases")
    halts = ("halt --global --reason 'a test'", "risk", "resume --global --reason over")
    shown = await in_kernel(shell, monkeypatch, gateway, "operator", *reads, *halts)
    assert "error" not in shown
    assert "halted: global" in shown
    assert "a test" in shown
    assert "active: global" in shown
