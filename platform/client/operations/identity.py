"""Users, sessions, API keys, audit."""

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
    Preferences,
    Refresh,
    SecondFactorOffer,
    Setup,
    Tokens,
    User,
    UserChange,
)
from ..calls import Operation, OperationOn
from ..parameters import Audit, Nothing, OneKey, OneUser, Paged


class IdentityOperations:
    """Who a person is, what they may do, and who did what."""

    login = Operation("POST", "/session", Login, Tokens, "Log in; the client acts as this person from now on.")
    refresh = Operation(
        "POST", "/session/refresh", Refresh, Tokens, "New tokens for a refresh token, once.", repeatable=False
    )
    logout = Operation("DELETE", "/session", Nothing, Done, "End this session.")
    logout_everywhere = Operation("DELETE", "/sessions", Nothing, Done, "End every session of this person.")
    list_sessions = Operation("GET", "/sessions", Paged, Page[LoginSession], "Where this person is logged in.")
    delegate = Operation(
        "POST", "/session/delegate", Nothing, Delegation, "A token for a screen that acts for its viewer."
    )
    me = Operation("GET", "/me", Nothing, Me, "Who is logged in, and what they may do.")
    change_me = Operation("PATCH", "/me", Preferences, Me, "Change language, time zone or theme.")
    change_password = Operation(
        "POST", "/me/password", PasswordChange, Done, "Set a new password; every session ends.", repeatable=False
    )
    offer_second_factor = Operation(
        "POST", "/me/second-factor", Nothing, SecondFactorOffer, "A new TOTP secret, to be confirmed."
    )
    confirm_second_factor = Operation(
        "PUT", "/me/second-factor", Code, Done, "Confirm the offered secret by a code of it.", repeatable=False
    )
    setup = Operation("POST", "/setup", Setup, Tokens, "Choose a password with a one-time link.", repeatable=False)
    list_users = Operation("GET", "/users", Paged, Page[User], "People with an account.")
    invite_user = Operation("POST", "/users", NewUser, Invitation, "Invite a person; the link is shown once.")
    change_user = OperationOn(
        "PATCH", "/users/{user}", UserChange, User, "Change a person's role, portfolios or state."
    )
    reset_user = Operation(
        "POST", "/users/{user}/reset", OneUser, Invitation, "A new link for a lost password or phone."
    )
    list_keys = Operation("GET", "/keys", Paged, Page[ApiKey], "API keys of this person.")
    create_key = Operation("POST", "/keys", NewApiKey, ApiKey, "Make an API key; it is shown once.")
    revoke_key = Operation("DELETE", "/keys/{key_id}", OneKey, Done, "End an API key.")
    list_audit = Operation("GET", "/audit", Audit, Page[AuditEntry], "Who did what to which thing.")
