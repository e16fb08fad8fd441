"""What every request passes: networks, names, sizes, rates, headers, origins."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
import redis.asyncio
from support.gateway import GatewayApp, gateway_app
from support.servers import temporary_home

from millstream.contracts.errors import ConfigurationError
from millstream.gateway.auth import limiting
from millstream.gateway.auth.limiting import Bucket, Limiter
from millstream.store.database import connect_sync
from millstream.store.embedded import EmbeddedRedis

Opening = Callable[..., AbstractAsyncContextManager[GatewayApp]]


@pytest.fixture
def opening(gateway_database: str, redis_url: str) -> Opening:
    """``opening(**settings)``: the application with these settings."""
    return lambda **settings: gateway_app(gateway_database, redis_url, **settings)


@asynccontextmanager
async def at(app: GatewayApp, address: str, base: str = "http://127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """A client that connects from ``address``."""
    transport = httpx.ASGITransport(app.app, client=(address, 4000))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_only_addresses_on_the_list_may_connect(opening: Opening):
    async with opening(allowed_addresses="127.0.0.0/8, 10.1.0.0/16") as app:
        for address, status in (("127.0.0.1", 200), ("10.1.2.3", 200), ("10.2.2.3", 403), ("::1", 403)):
            async with at(app, address) as client:
                assert (await client.get("/api/v1/me", headers=app.login_as("viewer"))).status_code == status


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(opening: Opening):
    async with opening(trusted_proxies="10.0.0.1, 10.0.0.2") as app:
        for peer, forwarded, seen in (
            ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.5, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
        ):
            person = app.person("viewer")
            async with at(app, peer) as client:
                headers = {**person.headers, "X-Forwarded-For": forwarded}
                await client.patch("/api/v1/me", json={"theme": "light"}, headers=headers)
            with connect_sync(app.gateway.endpoints.database_url) as conn:
                found = conn.execute("SELECT address FROM audit WHERE actor = %s", (person.user,)).fetchone()
            assert found == (seen,)


async def test_a_read_after_a_command_of_another_address_does_not_mix_them_up(opening: Opening):
    async with opening() as app:
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
            async with at(app, address) as client:
                await client.patch("/api/v1/me", json={"theme": "light"}, headers=app.login_as("viewer"))
        with connect_sync(app.gateway.endpoints.database_url) as conn:
            found = conn.execute("SELECT address FROM audit ORDER BY sequence").fetchall()
        assert found == [("192.0.2.1",), ("192.0.2.2",), ("192.0.2.1",)]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 401),
        ("localhost", 401),
        ("[::1]:80", 401),
        ("trading.example:443", 401),
        ("ms.example", 401),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
async def test_a_request_under_a_foreign_name_is_refused(opening: Opening, host: str, status: int):
    async with opening(known_hosts="trading.example", public_url="https://ms.example") as app:
        answer = await app.client.get("/api/v1/me", headers={"Host": host})
        assert answer.status_code == status


async def test_a_body_that_is_too_large_is_refused_declared_or_not(opening: Opening):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1000

    async with opening(body_limit=4096) as app:
        assert problem(await app.client.post("/api/v1/session", content=b" " * 5000)) == (413, "TOO_LARGE")
        headers = {"content-type": "application/json"}
        answer = await app.client.post("/api/v1/session", content=chunks(), headers=headers)
        assert problem(answer) == (413, "TOO_LARGE")


async def test_a_query_that_is_too_long_is_refused(opening: Opening):
    async with opening(query_limit=300) as app:
        answer = await app.client.get("/api/v1/me", params={"q": "x" * 300})
        assert problem(answer) == (414, "QUERY_TOO_LONG")


async def test_answers_carry_security_headers(opening: Opening):
    async with opening(monitor_port=5006) as app:
        answer = await app.client.get("/api/v1/me")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers
        page = await app.client.get("/login")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self' http://127.0.0.1:5006" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"


async def test_over_tls_the_browser_is_told_to_stay_there_and_cookies_are_secure(opening: Opening):
    async with opening(trusted_proxies="127.0.0.1") as app:
        answer = await app.client.get("/login", headers={"X-Forwarded-Proto": "https"})
        assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_cors_is_closed(opening: Opening):
    async with opening() as app:
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        preflight = await app.client.options("/api/v1/orders", headers=headers)
        plain = await app.client.get("/api/v1/me", headers=headers | app.login_as("viewer"))
        for answer in (preflight, plain):
            assert not [name for name in answer.headers if name.startswith("access-control")]
        assert preflight.status_code == 405


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:5006"])
async def test_a_command_from_a_page_of_another_origin_is_refused(opening: Opening, origin: str):
    async with opening() as app:
        answer = await app.client.patch("/api/v1/me", json={}, headers={"Origin": origin, **app.login_as("viewer")})
        assert problem(answer) == (403, "CROSS_ORIGIN")


async def test_a_command_from_an_own_page_passes(opening: Opening):
    async with opening(public_url="https://ms.example") as app:
        for origin in ("http://127.0.0.1", "https://ms.example"):
            headers = {"Origin": origin, **app.login_as("viewer")}
            assert (await app.client.patch("/api/v1/me", json={}, headers=headers)).status_code == 200


async def test_a_person_has_a_limit_of_their_own_and_the_kill_switch_has_none(opening: Opening):
    async with opening(rate_user="3/minute") as app:
        ann, bob = app.login_as("operator"), app.login_as("operator")
        statuses = [(await app.client.get("/api/v1/me", headers=ann)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        limited = await app.client.get("/api/v1/me", headers=ann)
        assert problem(limited) == (429, "RATE_LIMITED")
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert (await app.client.get("/api/v1/me", headers=bob)).status_code == 200
        assert (await app.client.post("/api/v1/halts", json={}, headers=ann)).status_code == 422


async def test_an_address_has_a_limit_and_all_together_have_one(opening: Opening):
    async with opening(rate_address="2/minute", rate_global="3/minute") as app:
        async with at(app, "192.0.2.1") as one, at(app, "192.0.2.2") as other:
            assert [(await one.get("/api/v1/me")).status_code for _ in range(3)] == [401, 401, 429]
            assert [(await other.get("/api/v1/me")).status_code for _ in range(2)] == [401, 429]
        halt = {"scope": "global", "reason": "test"}
        assert (await app.client.post("/api/v1/halts", json=halt, headers=app.login_as("trader"))).status_code == 200


async def test_logins_and_wrong_tokens_of_an_address_are_limited(opening: Opening):
    async with opening(rate_login="2/minute") as app:
        wrong = {"user": "nobody", "password": "wrong"}
        statuses = [(await app.client.post("/api/v1/session", json=wrong)).status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
        guess = {"Authorization": "Bearer ms_guess"}
        assert [(await app.client.get("/api/v1/me", headers=guess)).status_code for _ in range(3)] == [401, 401, 429]


async def test_while_redis_is_stopped_what_is_limited_is_refused_and_halting_works(opening: Opening):
    async with opening(rate_login="2/minute") as app:
        trader = app.login_as("trader")
        with temporary_home() as home:
            server = EmbeddedRedis(home)
            client = redis.asyncio.Redis.from_url(server.ensure())
            app.identity.limiter = Limiter(app.gateway.settings, client, app.gateway.clock)
            assert (await app.client.get("/api/v1/me", headers=trader)).status_code == 200
            server.stop()
        for _ in range(2):
            refused = await app.client.get("/api/v1/me", headers=trader)
            assert problem(refused) == (503, "UNAVAILABLE")
            assert 1 <= int(refused.headers["retry-after"]) <= 2
            assert refused.headers["x-content-type-options"] == "nosniff"
            assert "millstream halt" in refused.json()["hint"]
        login = await app.client.post("/api/v1/session", json={"user": "nobody", "password": "wrong"})
        assert problem(login) == (503, "UNAVAILABLE")
        halt = {"scope": "global", "reason": "test"}
        assert (await app.client.post("/api/v1/halts", json=halt, headers=trader)).status_code == 200
        guess = {"Authorization": "Bearer ms_guess"}
        statuses = [(await app.client.post("/api/v1/halts", json=halt, headers=guess)).status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
        await client.aclose()


async def test_a_pause_of_the_gateway_itself_is_not_taken_for_one_of_redis(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
):
    async with opening() as app:
        for milliseconds in range(40, 100, 10):  # wherever the patience ends on the way to the answer
            monkeypatch.setattr(limiting, "PATIENCE_SECONDS", milliseconds / 1000)
            await app.gateway.redis.connection_pool.disconnect()
            block(8)
            await app.identity.limiter.count(Bucket.USER, "ann")


def block(rounds: int) -> None:
    """Keep the loop busy for 20 ms in each of its next rounds."""
    time.sleep(0.02)
    if rounds:
        asyncio.get_running_loop().call_soon(block, rounds - 1)


async def test_two_gateways_count_together(opening: Opening):
    async with opening(rate_user="1/minute") as app:
        second = Limiter(app.gateway.settings, app.gateway.redis, app.gateway.clock)
        await app.identity.limiter.count(Bucket.USER, "ann")
        with pytest.raises(Exception, match="used up"):
            await second.count(Bucket.USER, "ann")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate_user": "many"}, "not a rate"),
        ({"allowed_addresses": "home"}, "not a list of networks"),
        ({"trusted_proxies": "10.0.0.300"}, "not a list of networks"),
        ({"oidc_role_mapping": "staff=king"}, "cannot be read"),
    ],
    ids=str,
)
async def test_a_setting_that_cannot_be_read_is_refused_at_the_start(
    opening: Opening, settings: dict[str, str], message: str
):
    with pytest.raises(ConfigurationError, match=message):
        async with opening(**settings):
            pass


async def test_the_session_key_is_made_once_and_closed_to_others(opening: Opening):
    async with opening() as app:
        path = app.gateway.settings.home / "keys" / "session.key"
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(path.read_bytes()) == 32
        assert list(path.parent.iterdir()) == [path]
