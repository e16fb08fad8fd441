"""Users, sessions, API keys, audit."""

from enum import StrEnum
from typing import Any

from pydantic import Field, SecretStr

from .base import Answer, Request, Time


class Role(StrEnum):
    """What a person may do; :data:`millstream.gateway.auth.permissions.GRANTS` says which permissions each has."""

    VIEWER = "viewer"
    TRADER = "trader"
    RESEARCHER = "researcher"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a route needs. ``PUBLIC`` needs no login, ``SELF`` any login."""

    PUBLIC = "public"
    SELF = "self"
    READ = "read"
    TRADE = "trade"
    HALT = "halt"
    DEPLOY = "deploy"
    PROMOTE = "promote"
    LIMITS = "limits"
    INSTRUMENTS = "instruments"
    AUDIT = "audit"
    USERS = "users"
    LIVE = "live"


class Me(Answer):
    """Who is logged in. ``portfolios`` are those a person may see and act on, empty for all."""

    user: str
    name: str
    role: Role
    permissions: tuple[Permission, ...]
    portfolios: tuple[str, ...] = ()
    second_factor: bool = False
    language: str = "en"
    time_zone: str = "UTC"
    theme: str = "dark"


class Preferences(Request):
    """What a person likes; only the given fields change."""

    language: str | None = Field(default=None, pattern="^(en|de|fr|es|zh)$")
    time_zone: str | None = Field(default=None, max_length=64)
    theme: str | None = Field(default=None, pattern="^(dark|light)$")


class Login(Request):
    """A person's name and password, with the code of the second factor where one is set up."""

    user: str = Field(min_length=1, max_length=64)
    password: SecretStr = Field(min_length=1, max_length=200)
    code: str = Field(default="", max_length=12)


class Setup(Request):
    """The first admin, or an invited person: the one-time token of the link, and the chosen password."""

    token: str = Field(min_length=1, max_length=200)
    user: str = Field(min_length=1, max_length=64)
    password: SecretStr = Field(min_length=12, max_length=200)


class Tokens(Answer):
    """``access_token`` lives minutes. ``refresh_token`` is used once and replaced: an old one ends the session."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - a scheme, not a secret
    expires_in: int
    enrol_second_factor: bool = False


class Refresh(Request):
    """A refresh token; browsers send theirs as a cookie and leave it out."""

    refresh_token: SecretStr | None = None


class Delegation(Answer):
    """A token for a screen that acts for its viewer: it ends with the session it was made from."""

    access_token: str
    expires_in: int


class SecondFactorOffer(Answer):
    """A new TOTP secret (RFC 6238, 30 s, 6 digits, SHA-1); it counts once a code of it was confirmed."""

    secret: str
    uri: str
    qr_svg: str


class Code(Request):
    """A code of the second factor."""

    code: str = Field(min_length=6, max_length=12)


class PasswordChange(Request):
    """A new password; every session of the person ends."""

    old: SecretStr
    new: SecretStr = Field(min_length=12, max_length=200)


class User(Answer):
    """A person with an account."""

    user: str
    name: str
    role: Role
    portfolios: tuple[str, ...] = ()
    active: bool = True
    second_factor: bool = False
    last_login: Time | None = None
    created_at: Time


class NewUser(Request):
    """A person to invite: they choose their password through a one-time link."""

    user: str = Field(min_length=1, max_length=64)
    name: str = Field(default="", max_length=100)
    role: Role
    portfolios: tuple[str, ...] = ()


class Invitation(Answer):
    """The link is shown once."""

    user: User
    link: str
    expires_at: Time


class UserChange(Request):
    """Only the given fields change; deactivating ends every session."""

    name: str | None = None
    role: Role | None = None
    portfolios: tuple[str, ...] | None = None
    active: bool | None = None


class NewApiKey(Request):
    """``scopes`` must be permissions that the maker has; ``days`` until it expires."""

    name: str = Field(min_length=1, max_length=64)
    scopes: tuple[Permission, ...] = Field(min_length=1)
    days: int = Field(default=90, ge=1, le=366)


class ApiKey(Answer):
    """An API key; ``key`` is given once, when it is made."""

    key_id: str
    name: str
    user: str
    scopes: tuple[Permission, ...]
    created_at: Time
    expires_at: Time
    last_used: Time | None = None
    key: str = ""


class LoginSession(Answer):
    """A place where a person is logged in."""

    session: str
    created_at: Time
    last_used: Time
    address: str
    agent: str
    current: bool = False


class AuditEntry(Answer):
    """Who did what to which thing, when and from where."""

    sequence: int
    time: Time
    actor: str
    action: str
    subject: str
    address: str = ""
    details: dict[str, Any] = Field(default_factory=dict)
