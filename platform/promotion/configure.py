"""Changing a deployment while it may be trading: its limits, and what happens when its runner falls silent."""

from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ..contracts.errors import InputError
from ..risk.limits import RiskLimits
from .deploy import OnLeaseLost, audit, locked
from .queries import Deployment, get_deployment


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Only what is given changes; limits that are not named stay. ``None`` as a limit's value unsets it: it denies."""

    limits: dict[str, Any] | None = None
    on_lease_lost: OnLeaseLost | None = None


def configure(
    conn: psycopg.Connection[Any],
    deployment_id: str,
    change: Change,
    actor: str,
    *,
    check: Callable[[Deployment], None] = lambda _: None,
) -> Deployment:
    """Change a deployment, audited with what it was before; commits by itself. :func:`announce` it afterwards.

    ``check`` sees the deployment as it stands, locked, and may raise. Raises :class:`InputError` for limits that are
    none and for a change of nothing, :class:`NotFoundError`.
    """
    if change.limits is None and change.on_lease_lost is None:
        raise InputError("nothing is to be changed", hint="Give limits, on_lease_lost, or both.")
    with conn.transaction():
        before = locked(conn, deployment_id)
        check(before)
        limits = RiskLimits.from_mapping({**before.limits, **(change.limits or {})}).to_mapping()
        lost = change.on_lease_lost or before.on_lease_lost
        conn.execute(
            "UPDATE deployments SET limits = %s, on_lease_lost = %s, changed_at = now() WHERE deployment_id = %s",
            (Jsonb(limits), lost, deployment_id),
        )
        changed = {name: [before.limits.get(name), limits[name]] for name in change.limits or {}}
        if lost != before.on_lease_lost:
            changed["on_lease_lost"] = [before.on_lease_lost, lost]
        audit(conn, actor, "deployment.changed", deployment_id, {"from_to": changed})
    conn.commit()
    return get_deployment(conn, deployment_id)
