"""Log in at an OpenID Connect provider, over real HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from support.gateway import GatewayApp, gateway_app
from support.oidc import CLIENT, SECRET, Provider, oidc_provider

from millstream.contracts.errors import ConfigurationError
from millstream.gateway.auth.provider import role_mapping
from millstream.ops.settings import Settings
from millstream.store.database import connect_sync


@dataclass
class Rig:
    app: GatewayApp
    provider: Provider

    async def there(self, following: str = "/") -> str:
        """Begin at the gateway; the address that the provider leads the browser back to."""
        begun = await self.app.client.get("/oidc/login", params={"next": following})
        assert begun.status_code == 303, begun.text
        async with httpx.AsyncClient() as browser:
            agreed = await browser.get(begun.headers["location"])
        return agreed.headers["location"]

    async def log_in(self, following: str = "/") -> httpx.Response:
        return await self.app.client.get(await self.there(following))

    async def me(self) -> dict[str, object]:
        return (await self.app.client.get("/api/v1/me")).json()


@pytest.fixture
async def rig(gateway_database: str, redis_url: str) -> AsyncIterator[Rig]:
    async with (
        oidc_provider() as provider,
        gateway_app(
            gateway_database,
            redis_url,
            monitor_port=5006,
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT,
            oidc_client_secret=SECRET,
            oidc_role_mapping="traders=trader, heads=admin, desk=viewer",
            oidc_default_role="",
        ) as app,
    ):
        provider.person["groups"] = ["desk", "traders"]
        yield Rig(app, provider)


async def test_a_person_of_the_provider_gets_an_account_with_the_role_of_their_group(rig: Rig):
    answer = await rig.log_in("http://127.0.0.1:5006/positions")
    assert (answer.status_code, answer.headers["location"]) == (303, "http://127.0.0.1:5006/positions")
    me = await rig.me()
    assert (me["user"], me["role"]) == ("ann", "trader")


async def test_the_role_follows_the_provider_and_the_account_stays_the_same(rig: Rig):
    await rig.log_in()
    rig.provider.person |= {"groups": ["desk"], "preferred_username": "ann-renamed"}
    rig.app.client.cookies.clear()
    await rig.log_in()
    me = await rig.me()
    assert (me["user"], me["role"]) == ("ann", "viewer")


async def test_an_equal_name_does_not_take_over_a_local_account(rig: Rig):
    rig.app.person("admin", user="ann")
    await rig.log_in()
    me = await rig.me()
    assert (me["user"], me["role"]) == ("ann-2", "trader")


async def test_an_admin_of_the_provider_needs_a_second_factor_here(rig: Rig):
    rig.provider.person["groups"] = ["heads"]
    answer = await rig.log_in()
    assert answer.headers["location"].startswith("/second-factor")
    assert (await rig.me())["permissions"] == ["self"]


async def test_a_person_without_a_mapped_group_does_not_enter(rig: Rig):
    rig.provider.person["groups"] = ["visitors"]
    answer = await rig.log_in()
    assert answer.status_code == 403
    assert "millstream_access" not in rig.app.client.cookies


async def test_a_deactivated_person_does_not_enter_again(rig: Rig):
    await rig.log_in()
    with connect_sync(rig.app.gateway.endpoints.database_url) as conn:
        conn.execute("UPDATE users SET active = false WHERE user_id = 'ann'")
    rig.app.client.cookies.clear()
    assert (await rig.log_in()).status_code == 403


@pytest.mark.parametrize(
    "lie",
    [{"nonce": "other"}, {"aud": "other"}, {"iss": "http://other"}, {"exp": 1}, {"iat": 9_999_999_999}, {"sub": None}],
    ids=str,
)
async def test_a_token_that_does_not_fit_is_refused(rig: Rig, lie: dict[str, object]):
    rig.provider.lies = lie
    answer = await rig.log_in()
    assert answer.status_code == 502
    assert "millstream_access" not in rig.app.client.cookies


async def test_a_token_that_another_key_signed_is_refused(rig: Rig):
    rig.provider.published = rsa.generate_private_key(65537, 2048)
    assert (await rig.log_in()).status_code == 502


async def test_a_callback_without_its_state_is_refused_before_the_code_is_used(rig: Rig):
    back = await rig.there()
    forged = back.replace(parse_qs(urlsplit(back).query)["state"][0], "forged")
    assert (await rig.app.client.get(forged)).status_code == 502
    rig.app.client.cookies.clear()
    assert (await rig.app.client.get(back)).status_code == 502
    assert rig.provider.exchanges == 0


async def test_a_code_counts_once(rig: Rig):
    back = await rig.there()
    cookies = dict(rig.app.client.cookies)
    assert (await rig.app.client.get(back)).status_code == 303
    rig.app.client.cookies.update(cookies)
    assert (
        await rig.app.client.get(back, headers={"Cookie": f"millstream_oidc={cookies['millstream_oidc']}"})
    ).status_code == 502


async def test_a_foreign_address_to_go_on_to_leads_home(rig: Rig):
    assert (await rig.log_in("https://evil.example/")).headers["location"] == "/"


async def test_a_provider_that_does_not_answer_is_said(gateway_database: str, redis_url: str):
    async with gateway_app(
        gateway_database, redis_url, oidc_issuer="http://127.0.0.1:1", oidc_client_id=CLIENT, oidc_default_role="viewer"
    ) as app:
        answer = await app.client.get("/oidc/login")
        assert answer.status_code == 502
        assert "did not succeed" in answer.text


async def test_without_a_provider_there_is_no_such_login(gateway_database: str, redis_url: str):
    async with gateway_app(gateway_database, redis_url) as app:
        assert (await app.client.get("/oidc/login")).status_code == 404
        assert "/oidc/" not in (await app.client.get("/login")).text


@pytest.mark.parametrize("values", [{"oidc_role_mapping": "a=king"}, {"oidc_default_role": "king"}], ids=str)
def test_a_mapping_to_an_unknown_role_is_refused(values: dict[str, str]):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        role_mapping(Settings(_env_file=None, **values))
