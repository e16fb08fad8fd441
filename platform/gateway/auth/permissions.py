"""Which permissions a role has, and what is left of them without a second factor or within a key's scopes."""

from collections.abc import Iterable

from ...contracts.api.identity import Permission, Role

_ALL = frozenset(Permission) - {Permission.PUBLIC}
_LOOK = frozenset({Permission.SELF, Permission.READ})

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _LOOK,
    Role.TRADER: _LOOK | {Permission.TRADE, Permission.HALT, Permission.DEPLOY},
    Role.RESEARCHER: _LOOK | {Permission.PROMOTE, Permission.DEPLOY},
    Role.OPERATOR: _LOOK
    | {Permission.DEPLOY, Permission.HALT, Permission.LIMITS, Permission.INSTRUMENTS, Permission.AUDIT},
    Role.ADMIN: _ALL,
}

# Who must have a second factor before anything but their own account is open to them.
SECOND_FACTOR_ROLES = frozenset({Role.ADMIN})
NOT_YET = frozenset({Permission.SELF})


def permitted(
    role: Role, *, enrolled: bool, second_factor: bool, scopes: Iterable[Permission] | None = None
) -> frozenset[Permission]:
    """What somebody may do now.

    ``enrolled``: a second factor is set up; ``second_factor``: this login gave a code of it. ``scopes`` are those of an
    API key (None: a login). Live trading is armed by a login with a second factor only, never by a key.
    """
    if role in SECOND_FACTOR_ROLES and not enrolled:
        return NOT_YET
    if scopes is not None:
        return (GRANTS[role] & frozenset(scopes) | NOT_YET) - {Permission.LIVE}
    if enrolled and not second_factor:
        return NOT_YET
    return GRANTS[role] if second_factor else GRANTS[role] - {Permission.LIVE}
