"""Access tokens, refresh families, delegated tokens, API keys: what counts, and that it ends at once."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import jwt
import pytest
from argon2 import PasswordHasher
from support.gateway import PASSWORD, GatewayApp, gateway_app

from millstream.contracts.clock import ManualClock
from millstream.contracts.time import SECOND
from millstream.gateway.auth.standing import MEMORY_SECONDS
from millstream.gateway.auth.tokens import ALGORITHM, ISSUER, Use
from millstream.store.database import connect_sync

NOW = 1_800_000_000
HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)


@pytest.fixture
async def app(gateway_database: str, redis_url: str) -> AsyncIterator[GatewayApp]:
    async with gateway_app(
        gateway_database, redis_url, clock=ManualClock(NOW * SECOND), rate_login="10000/minute"
    ) as opened:
        yield opened


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def status(app: GatewayApp, headers: dict[str, str], path: str = "/api/v1/me") -> int:
    return (await app.client.get(path, headers=headers)).status_code


def advance(app: GatewayApp, seconds: float) -> None:
    assert isinstance(app.gateway.clock, ManualClock)
    app.gateway.clock.advance(seconds)


async def opened(app: GatewayApp, user: str = "ann", role: str = "trader") -> dict[str, str]:
    app.person(role, user=user, password_hash=HASH)
    return (await app.client.post("/api/v1/session", json={"user": user, "password": PASSWORD})).json()


def claims(**changes: object) -> dict[str, object]:
    made = {"iss": ISSUER, "aud": Use.ACCESS.value, "sub": "ann", "sid": "s", "jti": "j", "iat": NOW, "exp": NOW + 60}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


async def test_an_access_token_ends_after_ten_minutes(app: GatewayApp):
    token = (await opened(app))["access_token"]
    advance(app, 599)
    assert await status(app, bearer(token)) == 200
    advance(app, 1)
    assert await status(app, bearer(token)) == 401


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "sub", "sid", "jti"])
async def test_a_token_without_a_required_claim_does_not_count(app: GatewayApp, missing: str):
    person = app.person("viewer", user="ann")
    good = claims(sid=person.session)
    key = app.identity.keyring.derive("tokens")
    assert await status(app, bearer(jwt.encode(good, key, ALGORITHM))) == 200
    without = claims(**{"sid": person.session, missing: None})
    assert await status(app, bearer(jwt.encode(without, key, ALGORITHM))) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"aud": Use.OIDC.value},
        {"aud": [Use.ACCESS.value]},
        {"sub": "bob"},
        {"sid": "x"},
    ],
    ids=str,
)
async def test_a_token_with_a_foreign_claim_does_not_count(app: GatewayApp, changes: dict[str, object]):
    person = app.person("viewer", user="ann")
    app.person("viewer", user="bob")
    token = jwt.encode(claims(**{"sid": person.session, **changes}), app.identity.keyring.derive("tokens"), ALGORITHM)
    assert await status(app, bearer(token)) == 401


async def test_another_algorithm_none_or_another_key_do_not_count(app: GatewayApp):
    person = app.person("viewer", user="ann")
    good, key = claims(sid=person.session), app.identity.keyring.derive("tokens")

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(good)}."
    text = f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{part(good)}"
    signature = base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha512")).rstrip(b"=").decode()
    foreign = jwt.encode(good, b"k" * 32, ALGORITHM)
    for token in (unsigned, f"{text}.{signature}", foreign, "x.y.z", "nonsense"):
        assert await status(app, bearer(token)) == 401


async def test_a_refresh_token_is_replaced_and_the_session_goes_on(app: GatewayApp):
    tokens = await opened(app)
    advance(app, 700)
    answer = await app.client.post("/api/v1/session/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != tokens["refresh_token"]
    assert await status(app, bearer(answer.json()["access_token"])) == 200


async def test_reuse_of_a_refresh_token_ends_the_whole_family(app: GatewayApp):
    tokens = await opened(app)
    old = {"refresh_token": tokens["refresh_token"]}
    fresh = (await app.client.post("/api/v1/session/refresh", json=old)).json()
    assert (await app.client.post("/api/v1/session/refresh", json=old)).status_code == 401
    newest = {"refresh_token": fresh["refresh_token"]}
    assert (await app.client.post("/api/v1/session/refresh", json=newest)).status_code == 401
    assert await status(app, bearer(fresh["access_token"])) == 401
    found = await app.client.get("/api/v1/audit?action=session.reuse", headers=app.login_as("operator"))
    assert len(found.json()["items"]) == 1


async def test_a_refresh_token_of_another_session_is_not_touched_by_a_reuse(app: GatewayApp):
    first = await opened(app)
    second = (await app.client.post("/api/v1/session", json={"user": "ann", "password": PASSWORD})).json()
    for _ in range(2):
        await app.client.post("/api/v1/session/refresh", json={"refresh_token": first["refresh_token"]})
    assert await status(app, bearer(second["access_token"])) == 200


async def test_no_refresh_goes_beyond_the_end_of_the_session(app: GatewayApp):
    tokens = await opened(app)
    advance(app, 12 * 3600)
    late = await app.client.post("/api/v1/session/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert late.status_code == 401


async def test_logout_ends_the_session_at_once_and_no_other(app: GatewayApp):
    first = await opened(app)
    second = (await app.client.post("/api/v1/session", json={"user": "ann", "password": PASSWORD})).json()
    assert await status(app, bearer(first["access_token"])) == 200
    assert (await app.client.delete("/api/v1/session", headers=bearer(first["access_token"]))).status_code == 200
    assert await status(app, bearer(first["access_token"])) == 401
    assert await status(app, bearer(second["access_token"])) == 200


async def test_logout_everywhere_ends_every_session_of_the_person(app: GatewayApp):
    first = await opened(app)
    second = (await app.client.post("/api/v1/session", json={"user": "ann", "password": PASSWORD})).json()
    other = app.login_as("viewer")
    assert len((await app.client.get("/api/v1/sessions", headers=bearer(first["access_token"]))).json()["items"]) == 3
    await app.client.delete("/api/v1/sessions", headers=bearer(first["access_token"]))
    assert [await status(app, bearer(tokens["access_token"])) for tokens in (first, second)] == [401, 401]
    assert await status(app, other) == 200


async def test_a_session_revoked_by_another_gateway_ends_within_two_seconds(app: GatewayApp):
    person = app.person("viewer")
    assert await status(app, person.headers) == 200
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        conn.execute("UPDATE login_sessions SET revoked_at = now() WHERE session_id = %s", (person.session,))
    advance(app, MEMORY_SECONDS)
    assert await status(app, person.headers) == 401


async def test_a_changed_role_and_a_deactivation_have_effect_at_once(app: GatewayApp):
    person, admin = app.person("trader", user="ann"), app.login_as("admin")
    assert "trade" in (await app.client.get("/api/v1/me", headers=person.headers)).json()["permissions"]
    await app.client.patch("/api/v1/users/ann", json={"role": "viewer"}, headers=admin)
    assert "trade" not in (await app.client.get("/api/v1/me", headers=person.headers)).json()["permissions"]
    await app.client.patch("/api/v1/users/ann", json={"active": False}, headers=admin)
    assert await status(app, person.headers) == 401


async def test_a_delegated_token_lives_as_long_as_the_session_and_ends_with_it(app: GatewayApp):
    person = app.person("trader")
    advance(app, 300)
    made = (await app.client.post("/api/v1/session/delegate", headers=person.headers)).json()
    assert made["expires_in"] == int(timedelta(hours=12).total_seconds()) - 300
    advance(app, 3600)
    assert await status(app, person.headers) == 401
    assert await status(app, bearer(made["access_token"])) == 200
    await app.client.delete("/api/v1/session", headers=bearer(made["access_token"]))
    assert await status(app, bearer(made["access_token"])) == 401


async def test_a_delegated_token_is_no_browser_session_and_changes_no_credentials(app: GatewayApp):
    person = app.person("trader")
    token = (await app.client.post("/api/v1/session/delegate", headers=person.headers)).json()["access_token"]
    assert await status(app, {"Cookie": f"millstream_access={token}"}) == 401
    for method, path, body in (
        ("POST", "/api/v1/me/password", {"old": PASSWORD, "new": "another long password"}),
        ("POST", "/api/v1/me/second-factor", None),
        ("POST", "/api/v1/keys", {"name": "k", "scopes": ["read"]}),
    ):
        assert (await app.client.request(method, path, json=body, headers=bearer(token))).status_code == 403


async def make_key(app: GatewayApp, headers: dict[str, str], *scopes: str, days: int = 1) -> dict[str, str]:
    wanted = {"name": "robot", "scopes": scopes, "days": days}
    answer = await app.client.post("/api/v1/keys", json=wanted, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_api_key_acts_within_its_scopes_until_it_expires(app: GatewayApp):
    person = app.person("operator", portfolios=("alpha",))
    made = await make_key(app, person.headers, "read")
    me = (await app.client.get("/api/v1/me", headers=bearer(made["key"]))).json()
    assert (me["permissions"], me["portfolios"]) == (["read", "self"], ["alpha"])
    assert await status(app, bearer(made["key"]), "/api/v1/audit") == 403
    advance(app, 24 * 3600)
    assert await status(app, bearer(made["key"])) == 401


async def test_an_api_key_is_shown_once_and_stored_as_a_hash(app: GatewayApp):
    person = app.person("viewer")
    made = await make_key(app, person.headers, "read")
    await status(app, bearer(made["key"]))
    [listed] = (await app.client.get("/api/v1/keys", headers=person.headers)).json()["items"]
    assert (listed["key"], listed["key_id"]) == ("", made["key_id"])
    assert listed["last_used"] is not None
    secret = made["key"].rpartition("_")[2]
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        for table in ("api_keys", "audit", "idempotency"):
            assert secret not in str(conn.execute(f"SELECT * FROM {table}").fetchall())


async def test_a_wrong_secret_or_an_unknown_key_does_not_count(app: GatewayApp):
    made = await make_key(app, app.login_as("viewer"), "read")
    key_id, secret = made["key_id"], made["key"].removeprefix(f"ms_{made['key_id']}_")
    other = ("A" if secret[0] != "A" else "B") + secret[1:]
    for key in (f"ms_{key_id}_{other}", f"ms_{'0' * 16}_{secret}", f"ms_{key_id}", "ms_", f"ms_{key_id}_"):
        assert await status(app, bearer(key)) == 401


async def test_a_revoked_key_ends_at_once_and_only_its_owner_can_revoke_it(app: GatewayApp):
    person = app.person("viewer")
    made = await make_key(app, person.headers, "read")
    assert await status(app, bearer(made["key"])) == 200
    path = f"/api/v1/keys/{made['key_id']}"
    assert (await app.client.delete(path, headers=app.login_as("admin"))).status_code == 404
    assert (await app.client.delete(path, headers=person.headers)).status_code == 200
    assert await status(app, bearer(made["key"])) == 401


async def test_a_key_cannot_have_more_than_its_maker_and_never_live(app: GatewayApp):
    for headers, scope in ((app.login_as("viewer"), "trade"), (app.login_as("admin"), "live")):
        answer = await app.client.post("/api/v1/keys", json={"name": "k", "scopes": [scope]}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_a_key_makes_no_key_and_no_delegation(app: GatewayApp):
    made = await make_key(app, app.login_as("trader"), "self", "read")
    wanted = {"name": "k", "scopes": ["read"]}
    assert (await app.client.post("/api/v1/keys", json=wanted, headers=bearer(made["key"]))).status_code == 403
    assert (await app.client.post("/api/v1/session/delegate", headers=bearer(made["key"]))).status_code == 403


async def test_a_key_loses_what_its_owner_loses(app: GatewayApp):
    person = app.person("trader", user="ann")
    made = await make_key(app, person.headers, "trade", "read")
    await app.client.patch("/api/v1/users/ann", json={"role": "viewer"}, headers=app.login_as("admin"))
    me = await app.client.get("/api/v1/me", headers=bearer(made["key"]))
    assert me.json()["permissions"] == ["read", "self"]
