"""One-time links to an account, made by an operator of the machine."""

import getpass

from ..contracts.errors import NotFoundError
from ..ops.clock import WallClock
from ..ops.settings import Settings
from ..store.database import connect_sync


def first_admin(database_url: str, gateway_url: str) -> str:
    """A fresh one-time link to the first admin's account; empty as soon as there is one."""
    from ..gateway.auth.invitations import first_admin_link

    with connect_sync(database_url) as conn:
        return first_admin_link(conn, WallClock(), gateway_url) or ""


def renewal(database_url: str, gateway_url: str, user: str) -> str:
    """A one-time link with which ``user`` chooses a new password and second factor.

    Raises :class:`NotFoundError` with near names, and :class:`ConflictError` for somebody who was deactivated.
    """
    from ..gateway.auth import people
    from ..gateway.auth.invitations import renewal_link
    from ..sdk.matching import near

    name = people.user_name(user)
    with connect_sync(database_url) as conn:
        known = [one.user for one in people.listing(conn, "", MOST)]
        conn.rollback()
        if name not in known:
            raise NotFoundError(f"there is nobody called {name!r}", hint=near(name, known) or _EVERYBODY)
        return renewal_link(conn, WallClock(), gateway_url, name, getpass.getuser())


MOST = 100_000
_EVERYBODY = "The monitor's page of users, or GET /api/v1/users, lists everybody."


def gateway_address(settings: Settings) -> str:
    """Where people reach the gateway. Raises :class:`NotFoundError` when none runs here and no address is set."""
    from .node import read_node

    info = read_node(settings)
    found = settings.public_url or (info.gateway_url if info else "")
    if not found:
        raise NotFoundError(
            "no gateway is running", hint="Start it with `millstream up`, or set MILLSTREAM_PUBLIC_URL to where it is."
        )
    return found
