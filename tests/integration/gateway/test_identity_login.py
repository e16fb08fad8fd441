"""Coming in: passwords, one-time links, the second factor, lockout."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher
from support.gateway import PASSWORD, GatewayApp, gateway_app

from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import ConflictError
from millstream.contracts.time import SECOND
from millstream.gateway.auth.invitations import first_admin_link, renewal_link
from millstream.store.database import connect_sync

START = 1_800_000_000 * SECOND
NEW = "another long password"
HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    async with gateway_app(
        gateway_database, redis_url, clock=ManualClock(START), rate_login="10000/minute", session_hours=12
    ) as opened:
        yield opened


def clock(app: GatewayApp) -> ManualClock:
    assert isinstance(app.gateway.clock, ManualClock)
    return app.gateway.clock


async def log_in(app: GatewayApp, user: str, password: str = PASSWORD, code: str = "") -> httpx.Response:
    return await app.client.post("/api/v1/session", json={"user": user, "password": password, "code": code})


def code_now(app: GatewayApp, secret: str) -> str:
    return pyotp.TOTP(secret).at(clock(app).now() // SECOND)


def rows(app: GatewayApp, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        return conn.execute(query, values).fetchall()


async def first_admin(app: GatewayApp, user: str = "Boss") -> httpx.Response:
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        link = first_admin_link(conn, app.gateway.clock, "http://127.0.0.1:8000/")
    assert link is not None
    assert link.startswith("http://127.0.0.1:8000/setup?token=")
    token = link.partition("token=")[2]
    return await app.client.post("/api/v1/setup", json={"token": token, "user": user, "password": PASSWORD})


async def test_the_right_password_opens_a_session_that_says_who_it_is(app: GatewayApp):
    app.person("trader", user="ann", password_hash=HASH)
    answer = await log_in(app, "Ann")
    assert answer.status_code == 200
    me = await app.client.get("/api/v1/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
    assert (me.json()["user"], me.json()["role"]) == ("ann", "trader")
    assert "set-cookie" not in answer.headers


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(app: GatewayApp):
    app.person("viewer", user="ann", password_hash=HASH)
    app.person("viewer", user="newcomer")
    answers = [await log_in(app, user, "a wrong password") for user in ("ann", "nobody", "newcomer")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "WRONG_CREDENTIALS"


async def test_an_unknown_name_costs_a_password_check_too(app: GatewayApp, monkeypatch: pytest.MonkeyPatch):
    checked = []
    matches = app.identity.passwords.matches

    async def count(password_hash: str, password: Any) -> bool:
        checked.append(password_hash)
        return await matches(password_hash, password)

    monkeypatch.setattr(app.identity.passwords, "matches", count)
    await log_in(app, "nobody")
    assert checked == [""]


async def test_a_deactivated_person_cannot_log_in(app: GatewayApp):
    app.person("viewer", user="ann", password_hash=HASH)
    changed = await app.client.patch("/api/v1/users/ann", json={"active": False}, headers=app.login_as("admin"))
    assert changed.json()["active"] is False
    assert (await log_in(app, "ann")).status_code == 401


async def test_failed_logins_lock_the_name_at_the_address_longer_each_time(app: GatewayApp):
    app.person("viewer", user="ann", password_hash=HASH)
    for _ in range(5):
        assert (await log_in(app, "ann", "wrong")).status_code == 401
    locked = await log_in(app, "ann")
    assert (locked.status_code, locked.json()["code"]) == (429, "RATE_LIMITED")
    first = int(locked.headers["retry-after"])
    clock(app).advance(first)
    assert (await log_in(app, "ann", "wrong")).status_code == 401
    assert int((await log_in(app, "ann")).headers["retry-after"]) > first
    clock(app).advance(2 * first)
    assert (await log_in(app, "ann")).status_code == 200


async def test_a_name_that_nobody_has_is_locked_as_well(app: GatewayApp):
    statuses = [(await log_in(app, "nobody", "wrong")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_a_locked_name_can_log_in_from_another_address(app: GatewayApp):
    app.person("viewer", user="ann", password_hash=HASH)
    for _ in range(5):
        await log_in(app, "ann", "wrong")
    elsewhere = httpx.ASGITransport(app.app, client=("192.0.2.7", 4000))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://127.0.0.1") as client:
        answer = await client.post("/api/v1/session", json={"user": "ann", "password": PASSWORD})
    assert answer.status_code == 200


async def test_a_code_of_the_second_factor_is_asked_and_counts_once(app: GatewayApp):
    person = app.person("admin", user="boss", password_hash=HASH)
    assert (await log_in(app, "boss")).status_code == 401
    code = code_now(app, person.totp_secret)
    assert (await log_in(app, "boss", code=code)).status_code == 200
    assert (await log_in(app, "boss", code=code)).status_code == 401
    clock(app).advance(30)
    fresh = code_now(app, person.totp_secret)
    assert (await log_in(app, "boss", code=f"{fresh[:3]} {fresh[3:]}")).status_code == 200
    assert (await log_in(app, "boss", code=code)).status_code == 401


async def test_the_first_admin_sets_up_by_the_link_and_must_enrol_a_second_factor(app: GatewayApp):
    answer = await first_admin(app)
    assert answer.json()["enrol_second_factor"] is True
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await app.client.get("/api/v1/users", headers=headers)).status_code == 403
    offer = (await app.client.post("/api/v1/me/second-factor", headers=headers)).json()
    assert offer["secret"] in offer["uri"]
    assert offer["qr_svg"].startswith("<svg")
    wrong = await app.client.put("/api/v1/me/second-factor", json={"code": "000000"}, headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "WRONG_CODE")
    right = {"code": code_now(app, offer["secret"])}
    assert (await app.client.put("/api/v1/me/second-factor", json=right, headers=headers)).status_code == 200
    assert (await app.client.get("/api/v1/users", headers=headers)).status_code == 200
    me = (await app.client.get("/api/v1/me", headers=headers)).json()
    assert "live" in me["permissions"]


async def test_the_link_of_the_first_admin_counts_once_and_is_not_given_again(app: GatewayApp):
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        old = first_admin_link(conn, app.gateway.clock, "http://127.0.0.1")
    assert (await first_admin(app)).status_code == 200
    setup = {"token": (old or "").partition("token=")[2], "user": "other", "password": PASSWORD}
    again = await app.client.post("/api/v1/setup", json=setup)
    assert (again.status_code, again.json()["code"]) == (401, "VOID_LINK")
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        assert first_admin_link(conn, app.gateway.clock, "http://127.0.0.1") is None


async def renewal(app: GatewayApp, user: str, password: str = NEW) -> httpx.Response:
    """What becomes of a link that an operator of the machine made for ``user``."""
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        link = renewal_link(conn, app.gateway.clock, "http://127.0.0.1", user, "root")
    setup = {"token": link.partition("token=")[2], "user": user, "password": password}
    return await app.client.post("/api/v1/setup", json=setup)


async def test_a_renewal_link_lets_the_only_admin_in_and_ends_what_they_had(app: GatewayApp):
    boss = app.person("admin", user="boss", password_hash=HASH)
    key = {"name": "k", "scopes": ["read"]}
    made = (await app.client.post("/api/v1/keys", json=key, headers=boss.headers)).json()["key"]
    for _ in range(6):
        await log_in(app, "boss", "a wrong password")
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        renewal_link(conn, app.gateway.clock, "http://127.0.0.1", "boss", "root")
        assert first_admin_link(conn, app.gateway.clock, "http://127.0.0.1") is None
    assert (await app.client.get("/api/v1/me", headers=boss.headers)).status_code == 200  # not used yet

    entered = await renewal(app, "boss")
    assert (entered.status_code, entered.json()["enrol_second_factor"]) == (200, True)
    for headers in (boss.headers, {"Authorization": f"Bearer {made}"}):
        assert (await app.client.get("/api/v1/me", headers=headers)).status_code == 401
    headers = {"Authorization": f"Bearer {entered.json()['access_token']}"}
    offer = (await app.client.post("/api/v1/me/second-factor", headers=headers)).json()
    right = {"code": code_now(app, offer["secret"])}
    assert (await app.client.put("/api/v1/me/second-factor", json=right, headers=headers)).status_code == 200
    assert (await app.client.get("/api/v1/users", headers=headers)).status_code == 200
    told = rows(app, "SELECT actor, action FROM audit WHERE subject = 'boss' AND action = 'admin.link'")
    assert told == [("root", "admin.link")] * 2


async def test_a_renewal_link_is_for_its_person_alone_and_not_for_who_was_deactivated(app: GatewayApp):
    app.person("trader", user="ann", password_hash=HASH)
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        link = renewal_link(conn, app.gateway.clock, "http://127.0.0.1", "ann", "root")
        setup = {"token": link.partition("token=")[2], "user": "eve", "password": NEW}
        stranger = await app.client.post("/api/v1/setup", json=setup)
        assert (stranger.status_code, stranger.json()["code"]) == (401, "VOID_LINK")
        assert (await log_in(app, "ann")).status_code == 200
        [[before]] = conn.execute("UPDATE users SET active = false WHERE user_id = 'ann' RETURNING password_hash")
        conn.commit()
        with pytest.raises(ConflictError, match="deactivated"):
            renewal_link(conn, app.gateway.clock, "http://127.0.0.1", "ann", "root")
        refused = await app.client.post("/api/v1/setup", json={**setup, "user": "ann"})
    assert refused.status_code == 401
    assert rows(app, "SELECT password_hash FROM users WHERE user_id = 'ann'") == [(before,)]


async def test_a_link_expires_and_is_stored_as_a_hash(app: GatewayApp):
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        link = first_admin_link(conn, app.gateway.clock, "http://127.0.0.1") or ""
    token = link.partition("token=")[2]
    assert all(token not in str(row) for row in rows(app, "SELECT * FROM invitations"))
    clock(app).advance(24 * 3600 + 1)
    late = await app.client.post("/api/v1/setup", json={"token": token, "user": "boss", "password": PASSWORD})
    assert late.status_code == 401


async def test_an_invited_person_chooses_a_password_by_a_link_for_that_name_only(app: GatewayApp):
    admin = app.login_as("admin")
    new = {"user": "Ann", "name": "Ann Example", "role": "trader", "portfolios": ["alpha"]}
    invitation = (await app.client.post("/api/v1/users", json=new, headers=admin)).json()
    token = invitation["link"].partition("token=")[2]
    for user, status in (("bob", 401), ("ann", 200), ("ann", 401)):
        answer = await app.client.post("/api/v1/setup", json={"token": token, "user": user, "password": PASSWORD})
        assert answer.status_code == status
    opened = (await log_in(app, "ann")).json()
    me = await app.client.get("/api/v1/me", headers={"Authorization": f"Bearer {opened['access_token']}"})
    assert (me.json()["name"], me.json()["portfolios"]) == ("Ann Example", ["alpha"])


async def test_a_taken_name_is_refused(app: GatewayApp):
    admin = app.login_as("admin")
    new = {"user": "ann", "role": "viewer"}
    assert (await app.client.post("/api/v1/users", json=new, headers=admin)).status_code == 200
    assert (await app.client.post("/api/v1/users", json=new, headers=admin)).status_code == 409


async def test_a_reset_voids_password_second_factor_sessions_and_keys(app: GatewayApp):
    person = app.person("trader", user="ann", password_hash=HASH, enrolled=True)
    key = (
        await app.client.post("/api/v1/keys", json={"name": "k", "scopes": ["read"]}, headers=person.headers)
    ).json()["key"]
    answer = await app.client.post("/api/v1/users/ann/reset", headers=app.login_as("admin"))
    assert "/setup?token=" in answer.json()["link"]
    for headers in (person.headers, {"Authorization": f"Bearer {key}"}):
        assert (await app.client.get("/api/v1/me", headers=headers)).status_code == 401
    assert (await log_in(app, "ann", code=code_now(app, person.totp_secret))).status_code == 401
    assert rows(app, "SELECT totp_secret FROM users WHERE user_id = 'ann'") == [("",)]


async def test_the_last_admin_stays(app: GatewayApp):
    boss = app.person("admin", user="boss", password_hash=HASH)
    for change in ({"role": "viewer"}, {"active": False}):
        answer = await app.client.patch("/api/v1/users/boss", json=change, headers=boss.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


async def test_a_new_password_ends_every_session_and_needs_the_old_one(app: GatewayApp):
    person = app.person("viewer", user="ann", password_hash=HASH)
    wrong = {"old": "not this one", "new": "another long password"}
    refused = await app.client.post("/api/v1/me/password", json=wrong, headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "WRONG_PASSWORD")
    right = {"old": PASSWORD, "new": "another long password"}
    assert (await app.client.post("/api/v1/me/password", json=right, headers=person.headers)).status_code == 200
    assert (await app.client.get("/api/v1/me", headers=person.headers)).status_code == 401
    assert (await log_in(app, "ann")).status_code == 401
    assert (await log_in(app, "ann", "another long password")).status_code == 200


async def test_a_short_password_and_one_with_the_name_are_refused(app: GatewayApp):
    person = app.person("viewer", user="annabel", password_hash=HASH)
    for new in ("short", "my name is Annabel"):
        answer = await app.client.post(
            "/api/v1/me/password", json={"old": PASSWORD, "new": new}, headers=person.headers
        )
        assert answer.status_code == 422


async def test_passwords_are_argon2id_and_totp_secrets_are_not_readable_in_the_database(app: GatewayApp):
    answer = await first_admin(app)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    secret = (await app.client.post("/api/v1/me/second-factor", headers=headers)).json()["secret"]
    [(password_hash, pending)] = rows(app, "SELECT password_hash, totp_pending FROM users WHERE user_id = 'boss'")
    assert password_hash.startswith("$argon2id$")
    assert secret not in pending
    for table in ("users", "audit", "login_sessions", "refresh_tokens", "invitations", "idempotency"):
        text = str(rows(app, f"SELECT * FROM {table}"))
        assert secret not in text
        assert answer.json()["refresh_token"] not in text
        assert PASSWORD not in text


async def test_an_admin_without_a_second_factor_has_only_their_own_account(app: GatewayApp):
    person = app.person("admin", enrolled=False)
    me = await app.client.get("/api/v1/me", headers=person.headers)
    assert me.json()["permissions"] == ["self"]
    assert (await app.client.get("/api/v1/orders", headers=person.headers)).status_code == 403


async def test_live_needs_a_login_that_gave_the_second_factor(app: GatewayApp):
    person = app.person("admin", second_factor=False)
    assert (await app.client.get("/api/v1/me", headers=person.headers)).json()["permissions"] == ["self"]
    code = {"code": code_now(app, person.totp_secret)}
    assert (await app.client.put("/api/v1/me/second-factor", json=code, headers=person.headers)).status_code == 200
    assert "live" in (await app.client.get("/api/v1/me", headers=person.headers)).json()["permissions"]
    again = await app.client.put("/api/v1/me/second-factor", json=code, headers=person.headers)
    assert again.status_code == 422


async def test_whoever_has_a_second_factor_cannot_replace_it_without_giving_it(app: GatewayApp):
    person = app.person("trader", enrolled=True, second_factor=False)
    assert (await app.client.post("/api/v1/me/second-factor", headers=person.headers)).status_code == 403


async def test_logins_and_failures_are_audited_with_the_address(app: GatewayApp):
    app.person("viewer", user="ann", password_hash=HASH)
    await log_in(app, "ann", "wrong")
    await log_in(app, "ann")
    found = (await app.client.get("/api/v1/audit", params={"actor": "ann"}, headers=app.login_as("operator"))).json()
    assert [(one["action"], one["address"]) for one in found["items"]] == [
        ("login", "127.0.0.1"),
        ("login.failed", "127.0.0.1"),
    ]
