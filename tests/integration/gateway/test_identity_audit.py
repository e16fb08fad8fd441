"""Every command of identity leaves a row: who, what, on which thing, when and from where."""

from argon2 import PasswordHasher
from support.gateway import PASSWORD, GatewayApp, gateway_app

from millstream.store.database import connect_sync

HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
NEW = {"user": "ben", "role": "viewer"}
# In this order, by one admin: method, path, body, and the action with its subject.
COMMANDS = [
    ("PATCH", "/me", {"theme": "light"}, ("preferences.changed", "boss")),
    ("POST", "/me/second-factor", None, ("second_factor.offered", "boss")),
    ("PUT", "/me/second-factor", {"code": "000000"}, ("second_factor.failed", "boss")),
    ("POST", "/session/delegate", None, ("session.delegated", "{session}")),
    ("POST", "/users", NEW, ("user.invited", "ben")),
    ("PATCH", "/users/ben", {"role": "trader"}, ("user.changed", "ben")),
    ("POST", "/users/ben/reset", None, ("user.reset", "ben")),
    ("POST", "/me/password", {"old": "wrong", "new": "another long password"}, ("password.failed", "boss")),
    ("POST", "/me/password", {"old": PASSWORD, "new": "another long password"}, ("password.changed", "boss")),
]


def newest(app: GatewayApp) -> tuple[str, str, str, str]:
    with connect_sync(app.gateway.endpoints.database_url) as conn:
        row = conn.execute(
            "SELECT actor, action, subject, address FROM audit ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    return row


async def test_commands_are_audited_with_who_what_and_from_where(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url) as app:
        boss = app.person("admin", user="boss", password_hash=HASH)
        for method, path, body, (action, subject) in COMMANDS:
            await app.client.request(method, f"/api/v1{path}", json=body, headers=boss.headers)
            assert newest(app) == ("boss", action, subject.format(session=boss.session), "127.0.0.1")


async def test_keys_and_logouts_are_audited_and_a_key_is_named(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url) as app:
        ann = app.person("trader", user="ann")
        wanted = {"name": "robot", "scopes": ["read"]}
        made = (await app.client.post("/api/v1/keys", json=wanted, headers=ann.headers)).json()
        assert newest(app) == ("ann", "key.created", made["key_id"], "127.0.0.1")
        headers = {"Authorization": f"Bearer {made['key']}"}
        await app.client.patch("/api/v1/me", json={"theme": "light"}, headers=headers)
        by_key = await app.client.get("/api/v1/audit", params={"actor": "ann"}, headers=app.login_as("operator"))
        assert by_key.json()["items"][0]["details"] == {"theme": "light", "key": made["key_id"]}
        await app.client.delete(f"/api/v1/keys/{made['key_id']}", headers=ann.headers)
        assert newest(app)[1] == "key.revoked"
        await app.client.delete("/api/v1/session", headers=ann.headers)
        assert newest(app) == ("ann", "logout", ann.session, "127.0.0.1")


async def test_the_audit_is_filtered_and_paged_newest_first(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url) as app:
        ann, operator = app.person("viewer", user="ann"), app.login_as("operator")
        for theme in ("light", "dark", "light"):
            await app.client.patch("/api/v1/me", json={"theme": theme}, headers=ann.headers)
        first = (await app.client.get("/api/v1/audit?action=preferences&limit=2", headers=operator)).json()
        assert [one["details"]["theme"] for one in first["items"]] == ["light", "dark"]
        query = {"action": "preferences", "limit": 2, "cursor": first["next"]}
        second = (await app.client.get("/api/v1/audit", params=query, headers=operator)).json()
        assert ([one["details"]["theme"] for one in second["items"]], second["next"]) == (["light"], "")
        for query in ({"actor": "bob"}, {"action": "pref"}, {"end": "2020-01-01T00:00:00Z"}):
            assert (await app.client.get("/api/v1/audit", params=query, headers=operator)).json()["items"] == []
        assert (await app.client.get("/api/v1/audit?cursor=x", headers=operator)).status_code == 422
        assert (await app.client.get("/api/v1/audit?unknown=x", headers=operator)).status_code == 422
