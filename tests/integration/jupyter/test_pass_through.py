"""The server extension before a real gateway."""

import uuid

from .conftest import World, request


def test_reads_are_the_gateways_answers_with_their_etag(world: World, lab: str):
    url = f"{lab}/millstream/api/v1/deployments"
    answer = request("GET", url, headers=world.bearer("vera"))
    assert (answer.status, answer.json) == (200, {"items": [], "next": ""})
    again = request("GET", url, headers={**world.bearer("vera"), "If-None-Match": answer.headers["Etag"]})
    assert (again.status, again.body) == (304, b"")


def test_the_person_is_the_one_who_is_logged_in(world: World, lab: str):
    for user in ("vera", "tom"):
        assert request("GET", f"{lab}/millstream/api/me", headers=world.bearer(user)).json["user"] == user
        assert request("GET", f"{lab}/millstream/api/v1/me", headers=world.cookie(user)).json["user"] == user


def test_a_problem_comes_through_as_it_is(world: World, lab: str):
    halt = {"scope": "deployment", "scope_id": "none", "reason": "test"}
    answer = request("POST", f"{lab}/millstream/api/v1/halts", headers=world.bearer("vera"), body=halt)
    assert answer.status == 403
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["code"] == "FORBIDDEN"


def test_a_command_takes_effect_once_for_its_idempotency_key(world: World, lab: str):
    key = uuid.uuid4().hex
    halt = {"scope": "global", "reason": "test"}
    url = f"{lab}/millstream/api/v1/halts"
    first = request("POST", url, headers={**world.bearer("tom"), "Idempotency-Key": key}, body=halt)
    second = request("POST", url, headers={**world.bearer("tom"), "Idempotency-Key": key}, body=halt)
    assert first.status in {200, 201}, first.body
    assert second.json == first.json
    resumed = request("POST", f"{url}/resume", headers=world.bearer("tom"), body=halt)
    assert resumed.status == 200, resumed.body


def test_a_route_that_the_panel_does_not_use_is_not_passed_on(world: World, lab: str):
    for method, path in (("GET", "users"), ("GET", "keys"), ("POST", "session/delegate"), ("POST", "orders")):
        body = {} if method == "POST" else None
        answer = request(method, f"{lab}/millstream/api/v1/{path}", headers=world.bearer("rita"), body=body)
        assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND"), path


def test_screens_are_where_the_gateway_says(world: World, lab: str):
    screens = request("GET", f"{lab}/millstream/api/screens", headers=world.bearer("vera")).json
    assert screens["workspace_root"] == str(world.workspace)
    assert screens["gateway"].startswith(world.url("gateway"))
    assert screens["trader"].startswith(world.url("trader"))
    assert (
        request("GET", f"{lab}/millstream/trader", headers=world.cookie("vera"))
        .headers["Location"]
        .startswith(world.url("trader"))
    )


def test_nobody_gets_nothing(lab: str):
    for path in ("api/me", "api/screens", "api/v1/deployments"):
        assert request("GET", f"{lab}/millstream/{path}").status == 403
