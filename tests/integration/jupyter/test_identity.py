"""One login: who is let into a real JupyterLab, and as whom."""

import urllib.parse

from .conftest import World, request


def test_nobody_is_sent_to_the_gateways_login_and_back_to_the_page(world: World, lab: str):
    first = request("GET", f"{lab}/lab/tree/x.ipynb")
    assert first.status == 302
    second = request("GET", urllib.parse.urljoin(lab, first.headers["Location"]))
    place = urllib.parse.urlsplit(second.headers["Location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{world.url('gateway')}/login"
    assert urllib.parse.parse_qs(place.query) == {"next": [f"{lab}/lab/tree/x.ipynb"]}


def test_the_way_back_leads_to_this_server_only(world: World, lab: str):
    for wanted in ("//evil.example/", "https:%2F%2Fevil.example", "/%5Cevil.example"):
        answer = request("GET", f"{lab}/login?next={wanted}")
        back = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)["next"]
        assert back == [f"{lab}/"], wanted


def test_a_static_token_is_never_accepted(lab: str):
    assert request("GET", f"{lab}/lab?token=a-static-token").status == 302
    assert request("GET", f"{lab}/api/contents", headers={"Authorization": "token a-static-token"}).status == 403
    assert request("GET", f"{lab}/api/contents?token=a-static-token").status == 403


def test_the_gateways_cookie_opens_the_lab_and_a_cookie_of_its_own_goes_on(world: World, lab: str):
    entered = request("GET", f"{lab}/lab", headers=world.cookie("rita"))
    assert entered.status == 200
    own = next(
        value for name, value in entered.headers.items() if name == "Set-Cookie" and "millstream_screen" in value
    )
    assert "HttpOnly" in own
    assert "SameSite=Lax" in own
    known = request("GET", f"{lab}/api/me", headers={"Cookie": own.partition(";")[0]}).json["identity"]
    assert (known["username"], known["role"]) == ("rita", "researcher")
    assert world.token("rita") not in str(known)


def test_a_logout_at_the_gateway_ends_the_lab_within_seconds(world: World, lab: str):
    token = world.log_in("olga")
    entered = request("GET", f"{lab}/api/me", headers={"Cookie": f"millstream_access={token}"})
    own = next(value for value in entered.headers.values() if "millstream_screen" in value).partition(";")[0]
    ended = request("DELETE", f"{world.url('gateway')}/api/v1/session", headers={"Authorization": f"Bearer {token}"})
    assert ended.status == 200
    _eventually(lambda: request("GET", f"{lab}/api/me", headers={"Cookie": own}).status == 403)


def test_a_forged_cookie_opens_nothing(lab: str):
    for cookie in ("millstream_access=forged", "millstream_screen_127_0_0_1=forged"):
        assert request("GET", f"{lab}/api/me", headers={"Cookie": cookie}).status == 403


def test_a_command_with_a_cookie_needs_the_xsrf_token(world: World, lab: str):
    halt = {"scope": "global", "reason": "test"}
    url = f"{lab}/millstream/api/v1/halts"
    assert request("POST", url, headers=world.cookie("tom"), body=halt).status == 403
    foreign = {**world.cookie("tom"), "Origin": "http://evil.example"}
    assert request("POST", url, headers=foreign, body=halt).status in {403, 404}


def test_what_a_role_may_do_in_jupyter(world: World, lab: str):
    file = {"type": "file", "format": "text", "content": "x"}
    assert request("PUT", f"{lab}/api/contents/x.txt", headers=world.bearer("vera"), body=file).status == 403
    assert request("PUT", f"{lab}/api/contents/x.txt", headers=world.bearer("rita"), body=file).status == 201
    assert request("GET", f"{lab}/api/contents/x.txt", headers=world.bearer("vera")).status == 200
    assert request("POST", f"{lab}/api/terminals", headers=world.bearer("vera"), body={}).status == 403
    assert request("POST", f"{lab}/api/shutdown", headers=world.bearer("rita"), body={}).status == 403


def _eventually(seen, seconds: float = 20.0) -> None:
    import time

    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)
