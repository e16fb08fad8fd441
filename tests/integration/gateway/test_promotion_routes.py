"""Releases, deployments and runners over HTTP, on rows as the promotion, the supervisor and trading write them."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4
from support.gateway import GatewayApp, gateway_app
from support.strategies import cross, save

from millstream.bus.base import Subscription
from millstream.contracts.codec import decode
from millstream.contracts.enums import HaltState, ScopeKind
from millstream.contracts.events import HaltChanged
from millstream.contracts.topics import CONTROL_COMMANDS
from millstream.market.instruments import register
from millstream.market.sample import sample_instrument
from millstream.market.sessions import create_replay
from millstream.promotion.runs import run_folder
from millstream.risk import kill_switch
from millstream.store.database import connect_sync

API = "/api/v1"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "strategies" / ".ipynb_checkpoints").mkdir(parents=True)
    save(cross(), folder / "strategies" / "cross.ipynb")
    save(cross(), folder / "strategies" / ".ipynb_checkpoints" / "cross-checkpoint.ipynb")
    outside = tmp_path / "outside.ipynb"
    save(cross(), outside)
    (folder / "strategies" / "link.ipynb").symlink_to(outside)
    return folder


@pytest.fixture
async def app(gateway_database: str, redis_url: str, workspace: Path) -> AsyncIterator[GatewayApp]:
    with connect_sync(gateway_database) as conn:
        register(conn, sample_instrument("AAPL"))
        create_replay(conn, ["SAMPLE:AAPL"], "1d", session_id="replay-1")
        conn.execute(
            "INSERT INTO releases SELECT 'cross', n, repeat('a', 64), 'Cross', '{SAMPLE:AAPL}', '1d', '{\"fast\": 3}',"
            " '{\"git_dirty\": false}', '{\"strategy\": \"Cross\"}', '', 'me', now() + n * interval '1 s'"
            " FROM generate_series(1, 3) n"
        )
    async with gateway_app(gateway_database, redis_url, bus="redis", workspace=workspace) as opened:
        yield opened


def write(app: GatewayApp, text: str, *values: object) -> None:
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        conn.execute(text.encode(), values)


def audit(app: GatewayApp) -> list[tuple[str, str]]:
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        return conn.execute("SELECT actor, action FROM audit ORDER BY sequence").fetchall()


async def create(app: GatewayApp, name: str, **more: Any) -> dict[str, Any]:
    body = {"release": "cross", "name": name, "capital": "5000", **more}
    answer = await app.client.post(f"{API}/deployments", headers=app.login_as("operator"), json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_releases_come_newest_first_in_pages_and_by_reference(app: GatewayApp):
    viewer = app.login_as("viewer")
    first = (await app.client.get(f"{API}/releases?limit=2", headers=viewer)).json()
    rest = (await app.client.get(f"{API}/releases?limit=2&cursor={first['next']}", headers=viewer)).json()
    newest = (await app.client.get(f"{API}/releases/cross", headers=viewer)).json()

    assert [one["ref"] for one in first["items"] + rest["items"]] == ["cross@3", "cross@2", "cross@1"]
    assert (newest["ref"], newest["parameters"]) == ("cross@3", {"fast": 3})
    assert (await app.client.get(f"{API}/releases/cross@9", headers=viewer)).status_code == 404
    assert (await app.client.get(f"{API}/releases/cross@x", headers=viewer)).status_code == 422


async def test_created_deployment_runs_on_a_portfolio_of_its_own(app: GatewayApp):
    made = await create(app, "one", limits={"max_order_qty": "7"})

    assert (made["release"], made["portfolio"], made["session"], made["state"]) == (
        "cross@3", "one", "replay-1", "pending",
    )  # fmt: skip
    assert made["limits"]["max_order_qty"] == "7"
    assert (made["equity"], made["currency"], made["halt"], made["paused"]) == ("5000", "USD", "active", False)
    assert audit(app)[0][1] == "deployment.created"


async def test_deployment_joins_the_money_of_its_portfolio_at_the_newest_prices(app: GatewayApp):
    await create(app, "one")
    write(app, "INSERT INTO positions VALUES ('one', 'SAMPLE:AAPL', 10, 100, 25, 3, 'USD', 1)")
    write(app, "UPDATE cash SET amount = 4022 WHERE portfolio_id = 'one'")
    write(app, "INSERT INTO marks VALUES ('replay-1', 'SAMPLE:AAPL', 110, NULL, NULL, NULL, 1, 1, 1)")
    found = (await app.client.get(f"{API}/deployments/one", headers=app.login_as("viewer"))).json()

    assert {name: Decimal(found[name]) for name in ("equity", "unrealized_pnl", "realized_pnl", "fees")} == {
        "equity": 5122, "unrealized_pnl": 100, "realized_pnl": 25, "fees": 3,
    }  # fmt: skip


async def test_list_of_deployments_is_paged_filtered_and_needs_no_query_for_each(
    app: GatewayApp, monkeypatch: pytest.MonkeyPatch
):
    for number in range(4):
        await create(app, f"d{number}", start=number % 2 == 0)
    viewer = app.login_as("viewer")
    first = (await app.client.get(f"{API}/deployments?limit=3", headers=viewer)).json()
    rest = (await app.client.get(f"{API}/deployments?limit=3&cursor={first['next']}", headers=viewer)).json()
    pending = (await app.client.get(f"{API}/deployments?state=pending", headers=viewer)).json()
    chosen = (await app.client.get(f"{API}/deployments?deployment=d1&deployment=d3", headers=viewer)).json()
    other = (await app.client.get(f"{API}/deployments?strategy=Other", headers=viewer)).json()

    assert [one["deployment"] for one in first["items"] + rest["items"]] == ["d3", "d2", "d1", "d0"]
    assert [one["deployment"] for one in pending["items"]] == ["d2", "d0"]
    assert [one["deployment"] for one in chosen["items"]] == ["d3", "d1"]
    assert other["items"] == []


async def test_person_sees_and_commands_only_deployments_of_their_portfolios(app: GatewayApp):
    await create(app, "mine")
    await create(app, "theirs")
    headers = app.login_as("operator", ("mine",))
    listed = (await app.client.get(f"{API}/deployments", headers=headers)).json()

    assert [one["deployment"] for one in listed["items"]] == ["mine"]
    for method, path in (
        ("GET", ""), ("POST", "/start"), ("POST", "/stop"), ("POST", "/pause"), ("POST", "/unpause"),
        ("GET", "/log"), ("GET", "/runs"), ("GET", "/runs/1/notebook"),
    ):  # fmt: skip
        answer = await app.client.request(method, f"{API}/deployments/theirs{path}", headers=headers)
        assert answer.status_code == 404, path
    changed = await app.client.patch(f"{API}/deployments/theirs", headers=headers, json={"limits": {}})
    assert changed.status_code == 404
    new = await app.client.post(f"{API}/deployments", headers=headers, json={"release": "cross", "name": "new"})
    assert new.status_code == 403


async def test_start_and_stop_are_accepted_once(app: GatewayApp):
    await create(app, "one", start=False)
    headers = app.login_as("trader")
    started = await app.client.post(f"{API}/deployments/one/start", headers=headers)
    again = await app.client.post(f"{API}/deployments/one/start", headers=headers)
    stopped = await app.client.post(f"{API}/deployments/one/stop", headers=headers)

    assert (started.status_code, started.json()["desired_state"]) == (202, "running")
    assert (again.status_code, again.json()["code"]) == (409, "CONFLICT")
    assert (stopped.status_code, stopped.json()["desired_state"]) == (202, "stopped")
    assert [action for _, action in audit(app)[1:]] == ["deployment.start", "deployment.stop"]


async def test_pause_reduces_only_the_deployment_and_unpause_lifts_it(app: GatewayApp):
    await create(app, "one")
    headers = app.login_as("trader")
    paused = (await app.client.post(f"{API}/deployments/one/pause", headers=headers)).json()
    twice = await app.client.post(f"{API}/deployments/one/pause", headers=headers)
    lifted = (await app.client.post(f"{API}/deployments/one/unpause", headers=headers)).json()
    again = await app.client.post(f"{API}/deployments/one/unpause", headers=headers)

    assert (paused["halt"], paused["paused"]) == ("reduce_only", True)
    assert twice.status_code == 200
    assert (lifted["halt"], lifted["paused"]) == ("active", False)
    assert again.status_code == 409
    async with await app.gateway.bus.subscribe(Subscription(topics=[CONTROL_COMMANDS.name])) as consumer:
        events = [decode(one.topic, one.value) for one in await consumer.read(timeout=5)]
    states = [one.state for one in events if isinstance(one, HaltChanged)]
    assert states == [HaltState.REDUCE_ONLY, HaltState.ACTIVE]


async def test_pause_never_weakens_a_halt_and_unpause_never_lifts_one(app: GatewayApp):
    await create(app, "one")
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        kill_switch.halt(conn, ScopeKind.DEPLOYMENT, "one", "me", "stop")
    headers = app.login_as("trader")
    for command in ("pause", "unpause"):
        answer = await app.client.post(f"{API}/deployments/one/{command}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    found = (await app.client.get(f"{API}/deployments/one", headers=headers)).json()
    assert found["halt"] == "halted"


async def test_strictest_halt_of_all_scopes_is_shown(app: GatewayApp):
    await create(app, "one")
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        kill_switch.halt(conn, ScopeKind.PORTFOLIO, "one", "me", "slow", state=HaltState.REDUCE_ONLY)
        kill_switch.halt(conn, ScopeKind.GLOBAL, "", "me", "stop")
    found = (await app.client.get(f"{API}/deployments/one", headers=app.login_as("viewer"))).json()
    assert (found["halt"], found["paused"]) == ("halted", False)


async def test_limits_are_merged_validated_and_audited(app: GatewayApp):
    before = await create(app, "one")
    headers = app.login_as("operator")
    body = {"limits": {"max_order_qty": 5}, "on_lease_lost": "keep"}
    answer = await app.client.patch(f"{API}/deployments/one", headers=headers, json=body)
    after = answer.json()

    assert answer.status_code == 200, answer.text
    assert after["limits"] == before["limits"] | {"max_order_qty": "5"}
    assert after["on_lease_lost"] == "keep"
    assert audit(app)[-1][1] == "deployment.changed"
    for wrong in ({"limits": {"max_order": 5}}, {"limits": {"leverage": "-1"}}, {}, {"on_lease_lost": "pray"}):
        refused = await app.client.patch(f"{API}/deployments/one", headers=headers, json=wrong)
        assert refused.status_code == 422, wrong


async def test_change_of_what_was_changed_in_the_meantime_is_refused(app: GatewayApp):
    await create(app, "one")
    headers = app.login_as("operator")
    seen = (await app.client.get(f"{API}/deployments/one", headers=headers)).headers["etag"]
    write(app, "INSERT INTO marks VALUES ('replay-1', 'SAMPLE:AAPL', 110, NULL, NULL, NULL, 1, 1, 1)")

    async def change(tag: str):
        given = {**headers, "If-Match": tag}
        return await app.client.patch(f"{API}/deployments/one", headers=given, json={"limits": {"leverage": 2}})

    first, stale = await change(seen), await change(seen)
    assert (first.status_code, stale.status_code, stale.json()["code"]) == (200, 412, "PRECONDITION_FAILED")
    assert (await change(first.headers["etag"])).status_code == 200


async def test_live_target_needs_the_permission_and_is_then_refused_as_before(app: GatewayApp):
    body = {"release": "cross", "target": "live"}
    operator = await app.client.post(f"{API}/deployments", headers=app.login_as("operator"), json=body)
    admin = await app.client.post(f"{API}/deployments", headers=app.login_as("admin"), json=body)
    assert (operator.status_code, operator.json()["code"]) == (403, "FORBIDDEN")
    assert admin.status_code == 409
    assert "approval" in admin.json()["detail"]


async def test_runners_tell_their_runs_and_their_log_goes_on_where_it_was_left(app: GatewayApp):
    await create(app, "one")
    home = app.gateway.settings.home
    folder = run_folder(home, "one", 2)
    for epoch in (1, 2):
        run_folder(home, "one", epoch).mkdir(parents=True)
        save(cross(), run_folder(home, "one", epoch) / "notebook.ipynb")
    log = folder / "runner.log"
    log.write_text("first\nsecond\n")
    write(
        app,
        "INSERT INTO runners VALUES ('one', 2, 'running', '', 42, 'here', 1, now(), now(), '', %s, 0, '{}')",
        str(log),
    )
    viewer = app.login_as("viewer")
    (runner,) = (await app.client.get(f"{API}/runners", headers=viewer)).json()["items"]
    runs = (await app.client.get(f"{API}/deployments/one/runs", headers=viewer)).json()
    part = (await app.client.get(f"{API}/deployments/one/log?lines=1", headers=viewer)).json()
    with log.open("a") as file:
        file.write("third\n")
    more = (await app.client.get(f"{API}/deployments/one/log?after={part['next']}", headers=viewer)).json()

    assert (runner["state"], runner["runs"], runner["restarts"]) == ("running", [2, 1], 1)
    assert runs["items"] == [2, 1]
    assert (part["text"], more["text"]) == ("second\n", "third\n")


async def test_log_and_notebook_of_a_deployment_that_never_ran_are_not_there(app: GatewayApp):
    await create(app, "one")
    viewer = app.login_as("viewer")
    assert (await app.client.get(f"{API}/deployments/one/log", headers=viewer)).status_code == 404
    assert (await app.client.get(f"{API}/deployments/one/runs/1/notebook", headers=viewer)).status_code == 404


async def test_executed_notebook_is_given_as_it_is_or_as_a_page_in_which_nothing_runs(app: GatewayApp):
    await create(app, "one")
    file = run_folder(app.gateway.settings.home, "one", 1) / "notebook.ipynb"
    file.parent.mkdir(parents=True)
    evil = "<script>alert(1)</script><b onclick='alert(2)'>bold</b><iframe src='x'></iframe>"
    cell = v4.new_code_cell("print('hello')")
    cell.outputs = [
        v4.new_output("display_data", data={"text/html": evil, "text/plain": "safe"}),
        v4.new_output("display_data", data={"application/javascript": "alert(3)", "text/plain": "script"}),
        v4.new_output("stream", text="hello from the run"),
    ]
    book = v4.new_notebook(cells=[v4.new_markdown_cell(f"# Title\n{evil}"), cell])
    file.write_text(nbformat.writes(book))
    viewer = app.login_as("viewer")
    path = f"{API}/deployments/one/runs/1/notebook"
    raw = await app.client.get(path, headers=viewer)
    page = await app.client.get(f"{path}?format=html", headers=viewer)

    assert (raw.status_code, raw.content) == (200, file.read_bytes())
    assert raw.headers["content-type"] == "application/x-ipynb+json"
    assert "attachment" in raw.headers["content-disposition"]
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("sandbox;")
    assert "hello from the run" in page.text
    for danger in ("<script", "onclick=", "<iframe", "alert(3)"):
        assert danger not in page.text


async def test_notebooks_of_the_workspace_are_listed_and_inspected_and_none_outside(app: GatewayApp):
    headers = app.login_as("researcher")
    listed = (await app.client.get(f"{API}/notebooks/list", headers=headers)).json()
    found = await app.client.get(f"{API}/notebooks?path=strategies/cross.ipynb", headers=headers)

    assert listed["items"] == ["strategies/cross.ipynb"]
    assert found.status_code == 200, found.text
    assert found.json()["name"] == "cross"
    fast = {"name": "fast", "kind": "int", "default": 3, "element": "any", "optional": False}
    assert fast in found.json()["parameters"]
    for path in (
        "../outside.ipynb", "strategies/link.ipynb", "/etc/passwd", str(app.gateway.settings.workspace) + "/../x.ipynb",
        "strategies/../../outside.ipynb", "x" * 300 + ".ipynb", "a\x00.ipynb", "strategies",
    ):  # fmt: skip
        answer = await app.client.get(f"{API}/notebooks", headers=headers, params={"path": path})
        assert answer.status_code in {404, 422}, path
        promoted = await app.client.post(f"{API}/promotions", headers=headers, json={"notebook": path})
        assert promoted.status_code in {404, 422}, path
    assert json.loads((await app.client.get(f"{API}/notebooks/list", headers=app.login_as("viewer"))).text)["code"]
