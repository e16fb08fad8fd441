"""The monitor as it is served, over a gateway with a short trading history: pages, login, live fills, memory."""

import asyncio
import contextlib
import ctypes
import gc
import re
from collections import Counter

import httpx
import panel as pn
import psutil
import pytest
import pytest_asyncio
import websockets
from bokeh.document import Document
from bokeh.io import curdoc
from panel.io.state import set_curdoc
from support.gateway import gateway_app
from support.history import history_template  # noqa: F401 - a fixture
from support.servers import new_database

from millstream.client import AsyncClient
from millstream.contracts.enums import ScopeKind
from millstream.gateway import live
from millstream.gateway.live.protocol import Limits
from millstream.ops.clock import WallClock
from millstream_dashboards.monitor.app import Monitor
from millstream_dashboards.monitor.config import Config
from millstream_dashboards.monitor.pages import PAGES
from millstream_dashboards.monitor.screen import Screen
from millstream_dashboards.monitor.session import Session

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index", "ignore:datetime.datetime.utc"),
]
GATEWAY = "http://127.0.0.1"
AUTHORITIES = httpx.create_ssl_context()
FIVE = ("positions", "orders", "risk", "instruments", "market")
# Measured: 7 MiB more for the first 40 tabs (caches and the allocator's pools fill), then 0.1 MiB for 30 tabs.
WARM_UP, HUNDRED = FIVE * 3, FIVE * 20
# Up to 4 MiB in a process in which other tests ran before; that nothing is kept is shown by the count of objects.
GROWTH_MIB = 10
COMMANDS = {"Start", "Stop…", "Pause…", "Halt…", "Cancel the order…", "Register", "Invite", "Flatten…",
            "New deployment…", "Change limits…"}  # fmt: skip


class Served:
    """The monitor of a test, and browsers of people."""

    def __init__(self, app, monitor: Monitor, server) -> None:
        self.app, self.monitor, self.server = app, monitor, server
        self.url = f"http://127.0.0.1:{server.port}"

    def cookie(self, role: str, **options) -> str:
        header = self.app.login_as(role, **options)["Authorization"]
        return f"millstream_access={header.removeprefix('Bearer ')}"

    async def get(self, path: str, cookie: str = "") -> httpx.Response:
        async with httpx.AsyncClient(timeout=60, verify=AUTHORITIES) as browser:
            return await browser.get(f"{self.url}{path}", headers={"Cookie": cookie} if cookie else {})

    @contextlib.asynccontextmanager
    async def opened(self, page: str, cookie: str):
        """A tab: its page was fetched, its WebSocket stands, its document was loaded."""
        before = set(self.server.get_sessions(f"/{page.partition('?')[0]}"))
        answer = await self.get(f"/{page}", cookie)
        assert answer.status_code == 200, answer.text
        [session] = set(self.server.get_sessions(f"/{page.partition('?')[0]}")) - before
        token = re.search(r'"token":"([^"]+)"', answer.text)[1]
        address = f"{self.url.replace('http', 'ws', 1)}/{page.partition('?')[0]}/ws"
        async with websockets.connect(
            address, subprotocols=["bokeh", token], additional_headers={"Cookie": cookie}, origin=self.url,
            max_size=None, compression=None,
        ) as socket:  # fmt: skip
            drain = asyncio.create_task(self._drain(socket))
            with set_curdoc(session.document):
                pn.state._on_load(session.document)
            try:
                yield session.document
            finally:
                # Read on while it closes: the server's answer stands behind what it had sent.
                await socket.close()
                await drain

    @staticmethod
    async def _drain(socket) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for _ in socket:
                pass

    async def until_empty(self) -> None:
        """End every session whose tab is closed, at once instead of when its time is over."""
        async with asyncio.timeout(60):
            while self.server.get_sessions() or len(self.monitor.feeds):
                await self.forget()
                await asyncio.sleep(0.02)

    async def forget(self) -> None:
        """Forget the tabs that are closed by now."""
        for application in self.server._tornado._applications.values():
            await application._cleanup_sessions(0)


async def eventually(condition, seconds: float = 30, pause: float = 0.01) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the server under test runs on this loop
            await asyncio.sleep(pause)


def shown(document) -> str:
    """Every text of the components of a document."""
    texts = []
    for model in document.models:
        for name in ("text", "label", "title", "name"):
            value = getattr(model, name, None)
            if isinstance(value, str):
                texts.append(value)
        data = getattr(getattr(model, "source", None), "data", None)
        if isinstance(data, dict):
            texts += [str(value) for column in data.values() for value in column]
    return "\n".join(texts).replace("&lt;", "<").replace("&gt;", ">")


def buttons(document) -> set[str]:
    return {model.label for model in document.models if type(model).__name__ == "Button"}


@contextlib.asynccontextmanager
async def served(dsn: str, redis_url: str):
    async with (
        gateway_app(dsn, redis_url, bus="redis") as app,
        live.serving(app.gateway, Limits(standing_seconds=0.1)) as hub,
    ):
        app.app.state.hub = hub

        def connect(token: str) -> AsyncClient:
            return AsyncClient(
                GATEWAY, token, transport=httpx.ASGITransport(app.app, client=("127.0.0.1", 40000)), waits=()
            )

        monitor = Monitor(Config(GATEWAY, port=0), WallClock(), connect)
        server = monitor.server()
        server.start()
        made = Served(app, monitor, server)
        try:
            yield made
        finally:
            await made.until_empty()
            server.stop()
            pn.state.kill_all_servers()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres_dsn, history_template, redis_url):  # noqa: F811 - pytest's way
    with new_database(postgres_dsn, history_template) as dsn:
        async with served(dsn, redis_url) as made:
            yield made


@pytest_asyncio.fixture(loop_scope="module")
async def monitor(world):
    """The one monitor of the module, without sessions of the tests before."""
    await world.until_empty()
    return world


async def test_without_a_login_every_page_leads_to_the_gateways_login_and_back(monitor):
    for page in PAGES:
        answer = await monitor.get(f"/{page.name}?strategy=a")
        assert answer.status_code == 302
        step = await monitor.get(answer.headers["Location"].removeprefix("."))
        assert step.headers["Location"].startswith(f"{GATEWAY}/login?next=http%3A%2F%2F127.0.0.1%3A")
        assert step.headers["Location"].endswith(f"%2F{page.name}%3Fstrategy%3Da")
    assert monitor.server.get_sessions() == []


async def test_a_login_leads_only_back_to_this_monitor(monitor):
    for path in ("//evil.example/x", "https://evil.example/x", "/\\evil.example"):
        step = await monitor.get(f"/login?next={path}")
        assert "evil" not in step.headers["Location"]


async def test_a_wrong_token_is_no_login(monitor):
    assert (await monitor.get("/overview", "millstream_access=wrong")).status_code == 302


async def test_the_page_holds_no_token_of_the_login(monitor):
    cookie = monitor.cookie("viewer")
    answer = await monitor.get("/overview", cookie)
    assert cookie.partition("=")[2] not in answer.text


@pytest.mark.parametrize("page", [page.name for page in PAGES])
async def test_each_page_loads_for_an_admin_without_an_error(monitor, page, caplog):
    async with monitor.opened(page, monitor.cookie("admin")) as document:
        session = await loaded(monitor, document)
        assert session._problem.object == ""
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == []


async def loaded(served: Served, document) -> Session:
    """The session of a document, once its page was loaded."""
    sessions = (session for feed in served.monitor.feeds._feeds.values() for session in feed._tokens)
    [found] = [one for one in sessions if one._document is document]
    await eventually(lambda: found.loads > 0)
    return found


async def test_the_overview_shows_open_and_closed_trades_and_money(monitor):
    async with monitor.opened("overview", monitor.cookie("viewer")) as document:
        await loaded(monitor, document)
        text = shown(document)
    assert "▲ Buy" in text
    assert "▼ Sell" in text
    assert "Paper" in text


async def test_a_viewer_sees_no_command_and_no_page_of_others(monitor):
    cookie = monitor.cookie("viewer")
    for page in ("deployments", "risk", "orders", "instruments"):
        async with monitor.opened(page, cookie) as document:
            await loaded(monitor, document)
            assert not buttons(document) & COMMANDS, page
            assert "./users" not in shown(document)
            assert "./audit" not in shown(document)


async def test_an_operator_sees_the_commands_of_that_role(monitor):
    async with monitor.opened("risk", monitor.cookie("operator")) as document:
        await loaded(monitor, document)
        assert "Halt…" in buttons(document)


async def test_a_page_without_permission_shows_the_overview(monitor):
    async with monitor.opened("users", monitor.cookie("viewer")) as document:
        session = await loaded(monitor, document)
    assert session.page.name == "overview"


async def test_a_viewer_of_other_portfolios_sees_nothing_of_the_trades(monitor):
    async with monitor.opened("orders", monitor.cookie("viewer", portfolios=("elsewhere",))) as document:
        await loaded(monitor, document)
        assert "▲ Buy" not in shown(document)


async def test_the_stream_is_live_and_the_badge_says_so(monitor):
    async with monitor.opened("orders", monitor.cookie("viewer")) as document:
        session = await loaded(monitor, document)
        await eventually(lambda: session.screen.feed.live)
        await eventually(lambda: "status good" in session._live.object)


async def test_a_halt_shows_without_a_reload(monitor):
    async with monitor.opened("risk", monitor.cookie("viewer")) as document:
        session = await loaded(monitor, document)
        await eventually(lambda: session.screen.feed.live)
        admin = monitor.cookie("admin").partition("=")[2]
        async with monitor.monitor.connect(admin) as client:
            await client.halt(scope=ScopeKind.GLOBAL, reason="seen by everybody")
            await eventually(lambda: "seen by everybody" in shown(document))
            await client.resume(scope=ScopeKind.GLOBAL, reason="seen")
            await eventually(lambda: "seen by everybody" not in shown(document))


async def test_a_closed_tab_loads_nothing_while_its_session_waits_for_it(monitor):
    async with monitor.opened("risk", monitor.cookie("viewer")) as document:
        session = await loaded(monitor, document)
        await eventually(lambda: session.screen.feed.live)
        assert session.watched
    await eventually(lambda: not session.watched)
    session.page.pause = 0
    loads, changes = session.loads, dict(session.screen.feed.changes)
    async with monitor.monitor.connect(monitor.cookie("admin").partition("=")[2]) as client:
        await client.halt(scope=ScopeKind.GLOBAL, reason="nobody looks")
        await eventually(lambda: session.screen.feed.changes != changes)
        await session._tick()
        await client.resume(scope=ScopeKind.GLOBAL, reason="over")
    assert session.loads == loads


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_opening_and_closing_100_sessions_leaves_memory_where_it_was(monitor):
    cookie = monitor.cookie("admin")

    async def tabs(*pages: str) -> int:
        """Open and close a tab of each; resident memory afterwards, in bytes."""
        for name in pages:
            async with monitor.opened(name, cookie) as document:
                await loaded(monitor, document)
            del document
            await monitor.forget()
        # A look at every object takes as long as a page: the servers on this loop get their turn in between.
        await eventually(lambda: remaining() == Counter(Session=1, Screen=1, Document=1), pause=0.5)
        return settled()

    # Somebody looks all the time: what tabs share lives on, and must not keep anything of those that closed.
    async with monitor.opened("risk", cookie) as document:
        await loaded(monitor, document)
        await tabs(*(page.name for page in PAGES))
        before = await tabs(*WARM_UP)
        after = await tabs(*HUNDRED)
    assert (after - before) / 2**20 < GROWTH_MIB, f"{before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB after"


def remaining() -> Counter[str]:
    """What there is of sessions, without the document that belongs to none. Finalizers take several collections."""
    gc.collect()
    left = [one for one in gc.get_objects() if type(one) in {Session, Screen, Document} and one is not curdoc()]
    return Counter(type(one).__name__ for one in left)


def settled() -> int:
    """Resident memory once Python and the C library gave back what nobody uses."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    return psutil.Process().memory_info().rss


async def test_health_and_metrics_are_open_and_count_sessions(monitor):
    async with monitor.opened("orders", monitor.cookie("viewer")):
        health = (await monitor.get("/healthz")).json()
        metrics = (await monitor.get("/metrics")).text
    assert (health["status"], health["sessions"], health["feeds"]) == ("ok", 1, 1)
    assert "millstream_monitor_sessions 1.0" in metrics
