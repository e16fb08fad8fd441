"""Logins at another place: OAuth 2 code flow with PKCE over OpenID Connect, through authlib.

The provider says who somebody is and in which groups; the settings say which role that is. The role follows the
provider at each login, the portfolios and the second factor stay the gateway's.
"""

import asyncio
import hmac
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import msgspec
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError

from ...contracts.api.identity import Role
from ...contracts.clock import Clock
from ...contracts.errors import ConfigurationError
from ...contracts.time import SECOND
from ...ops.settings import Settings
from ..problems import ProblemError

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SCOPE = "openid profile email"
PATIENCE_SECONDS = 10.0
LEEWAY_SECONDS = 60
STATE_SECONDS = 600
# No answer, or none that can be read.
_UNANSWERED = (httpx.HTTPError, msgspec.ValidationError, TimeoutError, ValueError)
_REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


class Metadata(msgspec.Struct, frozen=True):
    """What the provider publishes of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A login that was begun: where to send the browser, and what to compare when it comes back."""

    address: str
    state: str
    nonce: str
    verifier: str


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """Who came back: ``external`` is issuer and subject, ``name`` how the provider calls them."""

    external: str
    name: str
    full_name: str
    role: Role


class Provider:
    """The configured OpenID Connect provider."""

    def __init__(self, settings: Settings, clock: Clock, redirect_uri: str) -> None:
        self._settings = settings
        self._clock = clock
        self._redirect_uri = redirect_uri
        self._roles = role_mapping(settings)

    async def begin(self) -> Begun:
        """Make the address for the browser. Raises a 502 while the provider does not answer."""
        verifier, nonce = generate_token(64), generate_token(32)
        async with self._client() as client:
            metadata = await self._metadata(client)
            address, state = client.create_authorization_url(
                metadata.authorization_endpoint, code_verifier=verifier, nonce=nonce
            )
        return Begun(address=address, state=state, nonce=nonce, verifier=verifier)

    async def finish(self, code: str, nonce: str, verifier: str) -> Stranger:
        """Who the provider says came back. Raises a 502 for whatever it says that cannot be trusted."""
        try:
            async with self._client() as client:
                metadata = await self._metadata(client)
                token = await client.fetch_token(metadata.token_endpoint, code=code, code_verifier=verifier)
                keys = await self._json(client, metadata.jwks_uri)
            return self._judge(str(token["id_token"]), keys, nonce)
        except (OAuthError, jwt.PyJWTError, KeyError, TypeError, *_UNANSWERED) as error:
            raise failed(f"{type(error).__name__}: {error}") from error

    def _judge(self, id_token: str, keys: dict[str, Any], nonce: str) -> Stranger:
        key_id = jwt.get_unverified_header(id_token).get("kid")
        usable = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key_id in {None, key.key_id}]
        if len(usable) != 1:
            raise failed("its keys do not say which one signed")
        claims = jwt.decode(
            id_token,
            usable[0].key,
            algorithms=list(ALGORITHMS),
            audience=self._settings.oidc_client_id,
            issuer=self._settings.oidc_issuer,
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        now = self._clock.now() // SECOND
        if int(claims["exp"]) + LEEWAY_SECONDS < now or int(claims["iat"]) - LEEWAY_SECONDS > now:
            raise failed("its token is not of now")
        if not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
            raise failed("its token answers another login")
        return self._stranger(claims)

    def _stranger(self, claims: dict[str, Any]) -> Stranger:
        subject = str(claims["sub"])
        given = claims.get(self._settings.oidc_role_claim, [])
        groups = {given} if isinstance(given, str) else {str(one) for one in given}
        role = next((role for group, role in self._roles.items() if group in groups), None)
        role = role or (Role(self._settings.oidc_default_role) if self._settings.oidc_default_role else None)
        if role is None:
            raise ProblemError(
                403,
                "NO_ROLE",
                "You have no role here",
                "None of your groups at the provider is mapped to a role.",
                "Ask an admin (MILLSTREAM_OIDC_ROLE_MAPPING, MILLSTREAM_OIDC_DEFAULT_ROLE).",
            )
        name = str(claims.get("preferred_username") or claims.get("email") or subject)
        return Stranger(
            external=f"{self._settings.oidc_issuer} {subject}",
            name=name,
            full_name=str(claims.get("name") or name)[:100],
            role=role,
        )

    def _client(self) -> "AsyncOAuth2Client":
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        secret = self._settings.oidc_client_secret
        return AsyncOAuth2Client(
            client_id=self._settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=PATIENCE_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    async def _metadata(self, client: "AsyncOAuth2Client") -> Metadata:
        address = f"{self._settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = msgspec.convert(await self._json(client, address), Metadata)
        except _UNANSWERED as error:
            raise failed(f"{type(error).__name__}: {error}") from error
        if found.issuer != self._settings.oidc_issuer:
            raise failed(f"it calls itself {found.issuer!r}")
        return found

    async def _json(self, client: "AsyncOAuth2Client", address: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await client.request("GET", address, withhold_token=True)
        answer.raise_for_status()
        return dict(answer.json())


def role_mapping(settings: Settings) -> dict[str, Role]:
    """Roles by group, the mightiest first. Raises :class:`ConfigurationError` for a text that is not a mapping."""
    found: dict[str, Role] = {}
    order = list(Role)
    try:
        for part in filter(None, (part.strip() for part in settings.oidc_role_mapping.split(","))):
            group, _, role = part.rpartition("=")
            found[group.strip()] = Role(role.strip())
        if settings.oidc_default_role:
            Role(settings.oidc_default_role)
    except ValueError as error:
        raise ConfigurationError(
            f"The roles of the OpenID Connect provider cannot be read: {error}",
            hint="Write MILLSTREAM_OIDC_ROLE_MAPPING as traders=trader,ops=operator.",
        ) from error
    return dict(sorted(found.items(), key=lambda item: order.index(item[1]), reverse=True))


def failed(detail: str) -> ProblemError:
    """502: the login at the provider did not succeed."""
    return ProblemError(
        502, "PROVIDER", "The login at your organisation did not succeed", detail, "Try again; else log in here."
    )
