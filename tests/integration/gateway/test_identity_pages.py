"""The pages in a browser without scripts: cookies, CSRF, forms, languages, where a login leads."""

import re
from collections.abc import AsyncIterator

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher
from support.gateway import PASSWORD, GatewayApp, gateway_app

from millstream.gateway.auth.invitations import first_admin_link, renewal_link
from millstream.gateway.pages.language import LANGUAGES, texts
from millstream.store.database import connect_sync

HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
MONITOR = "http://127.0.0.1:5006"


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    async with gateway_app(
        gateway_database, redis_url, monitor_port=5006, lab_port=8888, rate_login="10000/minute"
    ) as opened:
        yield opened


async def log_in(app: GatewayApp, role: str = "trader", following: str = "") -> httpx.Response:
    app.person(role, user="ann", password_hash=HASH, enrolled=False)
    return await app.client.post("/login", data={"user": "ann", "password": PASSWORD, "next": following})


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found
    return found[1]


async def test_the_form_sets_cookies_that_scripts_cannot_read_except_the_csrf_one(app: GatewayApp):
    answer = await log_in(app)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookies = {cookie.partition("=")[0]: cookie for cookie in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"millstream_access", "millstream_refresh", "millstream_csrf"}
    assert "HttpOnly" in cookies["millstream_access"]
    assert "SameSite=lax" in cookies["millstream_access"]
    assert "HttpOnly" in cookies["millstream_refresh"]
    assert "SameSite=strict" in cookies["millstream_refresh"]
    assert "Path=/api/v1/session" in cookies["millstream_refresh"]
    assert "HttpOnly" not in cookies["millstream_csrf"]
    assert not any("Secure" in cookie for cookie in cookies.values())
    assert (await app.client.get("/api/v1/me")).json()["user"] == "ann"


async def test_cookies_over_tls_are_secure(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url, trusted_proxies="127.0.0.1") as app:
        app.client.headers["X-Forwarded-Proto"] = "https"
        cookies = (await log_in(app)).headers.get_list("set-cookie")
        assert len(cookies) == 3
        assert all("Secure" in cookie for cookie in cookies)


async def test_a_command_with_the_cookie_alone_is_refused(app: GatewayApp):
    await log_in(app)
    token = app.client.cookies["millstream_csrf"]
    for headers, status in (({}, 403), ({"X-CSRF-Token": "wrong"}, 403), ({"X-CSRF-Token": token}, 200)):
        answer = await app.client.patch("/api/v1/me", json={"theme": "light"}, headers=headers)
        assert answer.status_code == status
    assert (await app.client.patch("/api/v1/me", json={})).json()["code"] == "CSRF"


async def test_a_csrf_token_of_ones_own_making_does_not_count(app: GatewayApp):
    await log_in(app)
    app.client.cookies.delete("millstream_csrf")
    app.client.cookies.set("millstream_csrf", "planted")
    answer = await app.client.patch("/api/v1/me", json={}, headers={"X-CSRF-Token": "planted"})
    assert (answer.status_code, answer.json()["code"]) == (403, "CSRF")


@pytest.mark.parametrize("path", ["/logout", "/account/preferences", "/account/keys", "/account/sessions/end"])
async def test_a_form_without_its_token_is_refused(app: GatewayApp, path: str):
    await log_in(app)
    assert (await app.client.post(path, data={"theme": "light"})).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/account", "/account"),
        ("/account?tab=1", "/account?tab=1"),
        (f"{MONITOR}/risk?x=1", f"{MONITOR}/risk?x=1"),
        ("http://127.0.0.1:8888/lab", "http://127.0.0.1:8888/lab"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("http://127.0.0.1:9999/", "/"),
        ("http://127.0.0.1:5006@evil.example/", "/"),
        ("http://user@127.0.0.1:5006/", "/"),
        ("https://127.0.0.1:5006/", "/"),
        ("/login?next=/login", "/"),
        ("http://[broken", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
    ],
)
async def test_a_login_leads_to_own_paths_and_screens_only(app: GatewayApp, wanted: str, led: str):
    assert (await log_in(app, following=wanted)).headers["location"] == led
    assert (await app.client.get("/login", params={"next": wanted})).headers["location"] == led


async def test_a_page_leads_to_the_login_and_back(app: GatewayApp):
    answer = await app.client.get("/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Faccount%3Fx%3D1")


async def test_a_wrong_login_shows_the_form_again_in_the_browsers_language(app: GatewayApp):
    for language in LANGUAGES:
        wrong = {"user": 'no<b>"body', "password": "wrong"}
        answer = await app.client.post("/login", data=wrong, headers={"Accept-Language": f"xx, {language};q=0.8"})
        assert answer.status_code == 401
        assert texts(language)["problem.WRONG_CREDENTIALS"] in answer.text
        assert f'<html lang="{language}"' in answer.text
        assert "<b>" not in answer.text
        assert "wrong" not in re.sub(r"is wrong", "", answer.text)


async def test_an_incomplete_form_is_explained(app: GatewayApp):
    answer = await app.client.post("/login", data={"user": ""})
    assert answer.status_code == 422
    assert "Fill in every field" in answer.text


async def test_the_browser_renews_with_its_cookie_and_an_old_one_ends_the_session(app: GatewayApp):
    await log_in(app)
    old = app.client.cookies["millstream_refresh"]
    answer = await app.client.post("/api/v1/session/refresh")
    assert answer.status_code == 200
    assert app.client.cookies["millstream_refresh"] != old
    stolen = {"refresh_token": old}
    assert (await app.client.post("/api/v1/session/refresh", json=stolen)).status_code == 401
    assert (await app.client.get("/api/v1/me")).status_code == 401


async def test_the_first_admin_comes_in_by_the_pages_alone(app: GatewayApp):
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        link = first_admin_link(conn, app.gateway.clock, "http://127.0.0.1") or ""
    page = await app.client.get(link)
    assert page.status_code == 200
    token = link.partition("token=")[2]
    short = await app.client.post("/setup", data={"token": token, "user": "boss", "password": "short"})
    assert short.status_code == 422
    given = {"token": token, "user": "boss", "password": PASSWORD}
    answer = await app.client.post("/setup", data=given, headers={"Accept-Language": "de-CH"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/second-factor")
    page = await app.client.get("/second-factor")
    assert "Zweiter Faktor" in page.text
    await app.client.post("/second-factor/offer", data={"csrf": csrf(page)})
    page = await app.client.get("/second-factor")
    assert "<svg" in page.text
    secret = re.search(r'class="secret">([A-Z2-7]+)<', page.text)
    assert secret
    wrong = await app.client.post("/second-factor", data={"csrf": csrf(page), "code": "000000"})
    assert wrong.status_code == 422
    code = {"csrf": csrf(page), "code": pyotp.TOTP(secret[1]).now(), "next": "/account"}
    done = await app.client.post("/second-factor", data=code)
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    assert "live" in (await app.client.get("/api/v1/me")).json()["permissions"]
    used = await app.client.get(link)
    assert texts("en")["setup.void"] in used.text


async def test_a_renewal_link_takes_a_known_person_to_a_new_password_and_second_factor(app: GatewayApp):
    app.person("admin", user="boss")
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        link = renewal_link(conn, app.gateway.clock, "http://127.0.0.1", "boss", "root")
    page = await app.client.get(link)
    assert texts("en")["setup.known"] in page.text
    assert re.search(r'<input id="user"[^>]* value="boss"[^>]* readonly', page.text)
    given = {"token": link.partition("token=")[2], "user": "boss", "password": "short"}
    again = await app.client.post("/setup", data=given)
    assert again.status_code == 422
    assert texts("en")["setup.known"] in again.text
    answer = await app.client.post("/setup", data={**given, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/second-factor")


async def test_the_home_page_leads_to_every_screen_that_runs(app: GatewayApp):
    await log_in(app)
    page = (await app.client.get("/")).text
    assert f'href="{MONITOR}/"' in page
    assert 'href="http://127.0.0.1:8888/"' in page
    assert "card-trader" not in page


async def test_the_account_page_keeps_preferences_and_makes_and_revokes_keys(app: GatewayApp):
    await log_in(app)
    token = csrf(await app.client.get("/account"))
    liked = {"csrf": token, "language": "fr", "time_zone": "Europe/Paris", "theme": "light"}
    assert (await app.client.post("/account/preferences", data=liked)).status_code == 303
    page = await app.client.get("/account")
    assert '<html lang="fr" data-theme="light">' in page.text
    bad = await app.client.post("/account/preferences", data={"csrf": token, "time_zone": "Mars/Olympus"})
    assert bad.status_code == 422
    made = await app.client.post("/account/keys", data={"csrf": token, "name": "robot", "days": "7", "scopes": "read"})
    key = re.search(r'id="new-key">(ms_[0-9a-f]+_[\w-]+)<', made.text)
    assert key
    headers = {"Authorization": f"Bearer {key[1]}"}
    assert (await app.client.get("/api/v1/me", headers=headers)).status_code == 200
    assert key[1] not in (await app.client.get("/account")).text
    key_id = key[1].split("_")[1]
    await app.client.post("/account/keys/revoke", data={"csrf": token, "key_id": key_id})
    assert (await app.client.get("/api/v1/me", headers=headers)).status_code == 401


async def test_a_new_password_by_the_page_leads_to_the_login(app: GatewayApp):
    await log_in(app)
    token = csrf(await app.client.get("/account"))
    new = {"csrf": token, "old": PASSWORD, "new": "another long password"}
    answer = await app.client.post("/account/password", data=new)
    assert answer.headers["location"] == "/login?notice=password_changed"
    assert "millstream_access" not in app.client.cookies
    assert (await app.client.get("/")).headers["location"] == "/login?next=%2F"


async def test_logout_asks_first_and_then_clears_the_cookies(app: GatewayApp):
    await log_in(app)
    access = app.client.cookies["millstream_access"]
    page = await app.client.get("/logout")
    assert (await app.client.get("/api/v1/me")).status_code == 200
    answer = await app.client.post("/logout", data={"csrf": csrf(page)})
    assert answer.headers["location"] == "/login?notice=logged_out"
    assert not app.client.cookies
    assert (await app.client.get("/api/v1/me", headers={"Authorization": f"Bearer {access}"})).status_code == 401


async def test_pages_load_nothing_from_elsewhere(app: GatewayApp):
    await log_in(app)
    for path in ("/", "/account", "/second-factor", "/logout"):
        page = await app.client.get(path)
        assert page.status_code == 200
        for address in re.findall(r'(?:src|href|action)="([^"]*)"', page.text):
            assert address.startswith(("/", "#", "data:,", MONITOR, "http://127.0.0.1:8888/")), address
        assert "style=" not in page.text
        assert not re.search(r"\son\w+=", page.text)
    for name in ("style.css", "pages.js"):
        assert (await app.client.get(f"/assets/{name}")).status_code == 200
    assert (await app.client.get("/assets/..%2Fpage.py")).status_code == 404
