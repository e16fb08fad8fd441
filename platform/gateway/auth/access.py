"""Who makes a request, and whether they may: the dependencies of every route."""

import hmac
from dataclasses import dataclass
from typing import Annotated

import msgspec
from fastapi import Depends
from starlette.requests import HTTPConnection

from ...contracts.api.identity import Permission, Role
from .. import audit
from ..problems import ProblemError
from .credentials import (
    KEY_PREFIX,
    SAFE_METHODS,
    Credential,
    check_csrf,
    forbidden,
    hashed,
    parse_key,
    presented,
    unauthenticated,
)
from .identity import Identity, identity_of
from .limiting import Bucket
from .permissions import permitted
from .standing import Standing
from .tokens import Claims, TokenError, Use


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. ``portfolios`` restricts what they may see and act on, empty: all.

    ``session`` is the login session (empty for an API key, whose id is ``key``); ``address`` where they are;
    ``delegated`` says that a screen acts for them; ``enrolled`` that a second factor is set up, ``second_factor`` that
    this login gave it.
    """

    user: str
    role: Role
    permissions: frozenset[Permission]
    portfolios: frozenset[str] = frozenset()
    session: str = ""
    key: str = ""
    second_factor: bool = False
    address: str = ""
    delegated: bool = False
    enrolled: bool = False

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def sees(self, portfolio: str) -> bool:
        """Whether ``portfolio`` is one of theirs; what they do not see answers 404."""
        return not self.portfolios or portfolio in self.portfolios


def principal_of(connection: HTTPConnection) -> Principal:
    """Who makes this request: set by :func:`require` before a handler runs."""
    found: Principal = connection.state.principal
    return found


Asking = Annotated[Principal, Depends(principal_of)]


@dataclass(frozen=True, slots=True)
class Require:
    """A dependency that lets only those pass who have ``permission``; see :func:`require`."""

    permission: Permission

    async def __call__(self, connection: HTTPConnection) -> None:
        audit.comes_from(address_of(connection))
        if self.permission is Permission.PUBLIC:
            return
        principal = await authenticate(connection, await self.csrf(connection))
        connection.state.principal = principal
        identity = identity_of(connection)
        # The kill switch is never throttled.
        if self.permission is not Permission.HALT:
            await identity.limiter.count(Bucket.USER, principal.user)
        if not principal.may(self.permission):
            raise _refused(principal, self.permission)

    async def csrf(self, connection: HTTPConnection) -> str | None:
        """The CSRF token where it does not come in its header (None): a page's form has it in a field."""
        del connection
        return None


def require(permission: Permission) -> Require:
    """A dependency that lets only those pass who have ``permission``, and sets ``connection.state.principal``.

    Raises 401 (nobody, or a credential that does not count), 403 (may not, or a cookie without its CSRF token) and 429.
    """
    return Require(permission)


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from; the guard puts it there, having judged the proxies."""
    found = getattr(connection.state, "address", "")
    return str(found) or (connection.client.host if connection.client else "")


async def authenticate(connection: HTTPConnection, csrf: str | None = None) -> Principal:
    """Who makes a request; ``csrf`` replaces the header of that name.

    Raises a 401, a 403 for a missing CSRF token, and a 429 after too many failures.
    """
    credential, identity = presented(connection), identity_of(connection)
    if credential is None:
        raise unauthenticated()
    try:
        return await _principal(connection, identity, credential, csrf)
    except ProblemError as error:
        if error.status == 401 and not credential.cookie:
            # An outdated cookie is ordinary; a wrong token or key may be somebody guessing.
            await identity.limiter.count(Bucket.LOGIN, f"token:{address_of(connection)}")
        raise


async def _principal(
    connection: HTTPConnection, identity: Identity, credential: Credential, csrf: str | None
) -> Principal:
    if credential.token.startswith(KEY_PREFIX) and not credential.cookie:
        return await _by_key(connection, identity, credential.token)
    claims = _claims(identity, credential)
    standing = await identity.standings.session(claims.session)
    if standing is None or standing.user != claims.user:
        raise unauthenticated("The session has ended.")
    if credential.cookie and connection.scope.get("method", "GET") not in SAFE_METHODS:
        check_csrf(connection, identity.keyring, claims.session, csrf)
    return _acting(connection, standing, session=claims.session, delegated=claims.use is Use.DELEGATED)


def _claims(identity: Identity, credential: Credential) -> Claims:
    uses = (Use.ACCESS,) if credential.cookie else (Use.ACCESS, Use.DELEGATED)
    try:
        return identity.tokens.read(credential.token, *uses)
    except TokenError as error:
        raise unauthenticated() from error


async def _by_key(connection: HTTPConnection, identity: Identity, token: str) -> Principal:
    parsed = parse_key(token)
    if parsed is None:
        raise unauthenticated()
    key_id, secret = parsed
    standing = await identity.standings.key(key_id)
    # Compared also for an unknown key, so that the answer takes the same time.
    right = hmac.compare_digest(hashed(secret), standing.secret_hash if standing else hashed(""))
    if standing is None or not right:
        raise unauthenticated()
    return _acting(connection, standing, key=key_id)


def _acting(
    connection: HTTPConnection, standing: Standing, *, session: str = "", key: str = "", delegated: bool = False
) -> Principal:
    return Principal(
        user=standing.user,
        role=standing.role,
        permissions=permitted(
            standing.role,
            enrolled=standing.enrolled,
            second_factor=standing.second_factor,
            scopes=standing.scopes,
        ),
        portfolios=standing.portfolios,
        session=session,
        key=key,
        second_factor=standing.second_factor,
        address=address_of(connection),
        delegated=delegated,
        enrolled=standing.enrolled,
    )


def _refused(principal: Principal, permission: Permission) -> ProblemError:
    needed = f"This needs the permission {permission.value!r}; {principal.user} is {principal.role.value}"
    if principal.key:
        return forbidden(f"{needed}, through a key with fewer scopes.", "Make a key with that scope.")
    if principal.permissions <= {Permission.SELF}:
        return forbidden(f"{needed} without a second factor.", "Set it up, or give its code, at /second-factor.")
    return forbidden(f"{needed}.", "Ask an admin for another role.")
