"""Kernels of a real JupyterLab: whose they are, and with which rights they act."""

import json
import uuid

from support.jupyter import Kernel, hang_up
from tornado.websocket import websocket_connect

from .conftest import World, request

ASK = """
import json, os
from millstream.client import Client, PermissionDeniedError
with Client.from_environment() as client:
    me = client.me().user
    try:
        client.promote(notebook="strategies/none.ipynb")
        promoted = "accepted"
    except PermissionDeniedError as error:
        promoted = f"refused {error.status}"
    except Exception as error:
        promoted = type(error).__name__
print(json.dumps({"me": me, "promoted": promoted, "names": sorted(os.environ)}))
"""


async def run(lab: str, world: World, user: str, code: str) -> dict:
    kernel = request("POST", f"{lab}/api/kernels", headers=world.bearer(user), body={}).json["id"]
    try:
        socket = await websocket_connect(_channels(lab, kernel, world, user))
        try:
            ran = await Kernel(socket).run(code)
        finally:
            await hang_up(socket)
    finally:
        request("DELETE", f"{lab}/api/kernels/{kernel}", headers=world.bearer(user))
    assert not ran.error, ran.error
    return json.loads(ran.text.strip().splitlines()[-1])


def _channels(lab: str, kernel: str, world: World, user: str):
    from tornado.httpclient import HTTPRequest

    url = f"{lab.replace('http', 'ws')}/api/kernels/{kernel}/channels?session_id={uuid.uuid4()}"
    return HTTPRequest(url, headers=world.bearer(user))


async def test_a_viewers_kernel_acts_as_the_viewer_and_cannot_promote(world: World, lab: str):
    seen = await run(lab, world, "vera", ASK)
    assert seen["me"] == "vera"
    assert seen["promoted"] == "refused 403"


async def test_a_kernel_has_what_research_needs_and_no_secret_of_the_server(world: World, lab: str):
    seen = await run(lab, world, "rita", ASK)
    assert seen["me"] == "rita"
    assert not seen["promoted"].startswith("refused")
    names = set(seen["names"])
    assert names >= {"HOME", "PATH", "MILLSTREAM_HOME", "MILLSTREAM_TOKEN", "MILLSTREAM_URL"}
    assert names.isdisjoint({"BINANCE_SECRET", "JUPYTER_TOKEN", "MILLSTREAM_SESSION_KEY"})


async def test_another_persons_kernel_does_not_exist(world: World, lab: str):
    kernel = request("POST", f"{lab}/api/kernels", headers=world.bearer("rita"), body={}).json["id"]
    url = f"{lab}/api/kernels/{kernel}"
    try:
        assert request("GET", url, headers=world.bearer("rita")).status == 200
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/restart"), ("GET", "/channels")):
            body = {} if method == "POST" else None
            assert request(method, url + path, headers=world.bearer("vera"), body=body).status == 404, path
        assert request("GET", f"{lab}/api/kernels", headers=world.bearer("vera")).json == []
        taken = {"path": "a.ipynb", "type": "notebook", "name": "a", "kernel": {"id": kernel}}
        assert request("POST", f"{lab}/api/sessions", headers=world.bearer("vera"), body=taken).status == 404
        assert (
            request("POST", f"{lab}/api/kernels", headers=world.bearer("vera"), body={"kernel_id": kernel}).status
            == 404
        )
    finally:
        request("DELETE", url, headers=world.bearer("rita"))


async def test_two_people_have_a_session_each_of_the_same_notebook(world: World, lab: str):
    wanted = {"path": "same.ipynb", "type": "notebook", "name": "same", "kernel": {"name": "python3"}}
    made = {
        user: request("POST", f"{lab}/api/sessions", headers=world.bearer(user), body=wanted).json
        for user in ("rita", "vera")
    }
    try:
        assert made["rita"]["kernel"]["id"] != made["vera"]["kernel"]["id"]
        for user in made:
            listed = request("GET", f"{lab}/api/sessions", headers=world.bearer(user)).json
            assert [one["id"] for one in listed] == [made[user]["id"]]
        foreign = f"{lab}/api/sessions/{made['rita']['id']}"
        assert request("GET", foreign, headers=world.bearer("vera")).status == 404
        assert request("DELETE", foreign, headers=world.bearer("vera")).status == 404
    finally:
        for user, session in made.items():
            request("DELETE", f"{lab}/api/sessions/{session['id']}", headers=world.bearer(user))
