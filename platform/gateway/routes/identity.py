"""People, their sessions, keys and second factor, and the audit."""

from datetime import datetime
from typing import Annotated

from fastapi import Body, Query, Request, Response

from ...contracts.api.base import Done, Page
from ...contracts.api.identity import (
    ApiKey,
    AuditEntry,
    Code,
    Delegation,
    Invitation,
    Login,
    LoginSession,
    Me,
    NewApiKey,
    NewUser,
    PasswordChange,
    Permission,
    Preferences,
    Refresh,
    SecondFactorOffer,
    Setup,
    Tokens,
    User,
    UserChange,
)
from ...contracts.time import to_datetime
from .. import audit
from ..auth import account, keys, login, people, sessions
from ..auth.access import Asking
from ..auth.cookies import clear_cookies, set_cookies, wants_cookies
from ..auth.credentials import REFRESH_COOKIE, unauthenticated
from ..auth.identity import identity_of
from ..context import Gateway, Here
from ..pagination import Cursor, Limit, keys_of, page
from ..routing import Routes
from ..screens import own_address

router = Routes(tags=["identity"])


def _now(here: Gateway) -> datetime:
    return to_datetime(here.clock.now())


@router.command("/session", Permission.PUBLIC, "login")
async def log_in(request: Request, response: Response, given: Annotated[Login, Body()]) -> Tokens:
    """Log in. A page of the gateway gets cookies too."""
    entered = await login.log_in(request, given)
    if wants_cookies(request):
        set_cookies(request, response, entered)
    return entered.tokens


@router.command("/session/refresh", Permission.PUBLIC, "refresh")
async def refresh(request: Request, response: Response, given: Annotated[Refresh | None, Body()] = None) -> Tokens:
    """New tokens for a refresh token: the given one, or the browser's cookie. An old one ends the session."""
    sent = given.refresh_token if given is not None else None
    token = sent.get_secret_value() if sent is not None else request.cookies.get(REFRESH_COOKIE, "")
    if not token:
        raise unauthenticated("There is no refresh token.")
    entered = await login.refresh(request, token)
    if sent is None:
        set_cookies(request, response, entered)
    return entered.tokens


@router.command("/session", Permission.SELF, "logout", method="DELETE")
async def log_out(request: Request, response: Response, here: Here, asking: Asking) -> Done:
    """End this session, with every token that came of it."""
    await here.database(lambda conn: account.log_out(conn, asking, _now(here), everywhere=False))
    identity_of(request).standings.forget()
    clear_cookies(request, response)
    return Done()


@router.command("/sessions", Permission.SELF, "logout_everywhere", method="DELETE")
async def log_out_everywhere(request: Request, response: Response, here: Here, asking: Asking) -> Done:
    """End every session of yours."""
    await here.database(lambda conn: account.log_out(conn, asking, _now(here), everywhere=True))
    identity_of(request).standings.forget()
    clear_cookies(request, response)
    return Done()


@router.read("/sessions", Permission.SELF, "list_sessions")
async def list_sessions(here: Here, asking: Asking) -> Page[LoginSession]:
    """Where you are logged in."""
    found = await here.database(sessions.listing(asking.user, asking.session, _now(here)))
    return Page[LoginSession](items=tuple(found))


@router.command("/session/delegate", Permission.SELF, "delegate")
async def delegate(request: Request, here: Here, asking: Asking) -> Delegation:
    """A token for a screen that acts for you; it ends with this session."""
    identity = identity_of(request)
    return await here.database(lambda conn: account.delegate(conn, identity, asking, _now(here)))


@router.read("/me", Permission.SELF, "me")
async def me(here: Here, asking: Asking) -> Me:
    """Who is logged in, and what they may do."""
    return await here.database(lambda conn: account.describe(conn, asking))


@router.command("/me", Permission.SELF, "change_me", method="PATCH")
async def change_me(here: Here, asking: Asking, wanted: Preferences) -> Me:
    """Change language, time zone or theme."""
    return await here.database(lambda conn: account.prefer(conn, asking, wanted))


@router.command("/me/password", Permission.SELF, "change_password")
async def change_password(request: Request, asking: Asking, wanted: PasswordChange) -> Done:
    """Choose a new password; every session of yours ends."""
    account.at_a_login(asking)
    await login.change_password(request, asking, wanted)
    return Done()


@router.command("/me/second-factor", Permission.SELF, "offer_second_factor")
async def offer_second_factor(request: Request, here: Here, asking: Asking) -> SecondFactorOffer:
    """A new secret for an authenticator app; it counts once a code of it was confirmed."""
    identity = identity_of(request)
    return await here.database(lambda conn: account.offer_second_factor(conn, identity, asking))


@router.command("/me/second-factor", Permission.SELF, "confirm_second_factor", method="PUT")
async def confirm_second_factor(request: Request, asking: Asking, given: Code) -> Done:
    """Confirm the offered second factor with its first code, or give a code of yours for this session."""
    account.at_a_login(asking)
    await login.give_code(request, asking, given.code)
    return Done()


@router.command("/setup", Permission.PUBLIC, "setup")
async def set_up(request: Request, response: Response, given: Setup) -> Tokens:
    """Choose a password by a one-time link: the first admin, or somebody who was invited."""
    entered = await login.set_up(request, given)
    if wants_cookies(request):
        set_cookies(request, response, entered)
    return entered.tokens


@router.read("/users", Permission.USERS, "list_users")
async def list_users(here: Here, limit: Limit = 100, cursor: Cursor = "") -> Page[User]:
    """Everybody with an account, by name."""
    after = keys_of(cursor, tuple[str])
    rows = await here.database(lambda conn: people.listing(conn, after[0] if after else "", limit + 1))
    return page(rows, limit, lambda row: (row.user,), lambda row: row)


@router.command("/users", Permission.USERS, "invite_user")
async def invite_user(request: Request, here: Here, asking: Asking, new: NewUser) -> Invitation:
    """Invite somebody; the answer holds the one-time link to send them."""
    base = own_address(request)
    return await here.database(lambda conn: account.invite(conn, asking, new, base, _now(here)))


@router.command("/users/{user}", Permission.USERS, "change_user", method="PATCH")
async def change_user(request: Request, here: Here, asking: Asking, user: str, wanted: UserChange) -> User:
    """Change name, role or portfolios, or deactivate; it has effect at once."""
    changed = await here.database(lambda conn: account.change(conn, asking, user, wanted, _now(here)))
    identity_of(request).standings.forget()
    return changed


@router.command("/users/{user}/reset", Permission.USERS, "reset_user")
async def reset_user(request: Request, here: Here, asking: Asking, user: str) -> Invitation:
    """A new one-time link for somebody who lost password or telephone; sessions, keys and second factor end."""
    base = own_address(request)
    made = await here.database(lambda conn: account.reset(conn, asking, user, base, _now(here)))
    identity_of(request).standings.forget()
    return made


@router.read("/keys", Permission.SELF, "list_keys")
async def list_keys(here: Here, asking: Asking) -> Page[ApiKey]:
    """Your API keys."""
    return Page[ApiKey](items=tuple(await here.database(lambda conn: keys.listing(conn, asking.user))))


@router.command("/keys", Permission.SELF, "create_key")
async def create_key(here: Here, asking: Asking, wanted: NewApiKey) -> ApiKey:
    """A new API key; `key` is shown this once."""
    return await here.database(lambda conn: account.create_key(conn, asking, wanted, _now(here)))


@router.command("/keys/{key_id}", Permission.SELF, "revoke_key", method="DELETE")
async def revoke_key(request: Request, here: Here, asking: Asking, key_id: str) -> Done:
    """Revoke a key of yours; it has effect at once."""
    await here.database(lambda conn: account.revoke_key(conn, asking, key_id, _now(here)))
    identity_of(request).standings.forget()
    return Done()


@router.read("/audit", Permission.AUDIT, "list_audit")
async def list_audit(
    here: Here,
    wanted: Annotated[audit.Filter, Query()],
) -> Page[AuditEntry]:
    """Who did what to which thing, when and from where; the newest first."""
    return await here.database(lambda conn: audit.listing(conn, wanted))
