"""What there is to see of deployments and their runners."""

from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from ..contracts.enums import DesiredState, RunnerState, Target
from ..contracts.errors import NotFoundError

_SELECT = """
SELECT d.deployment_id, d.release_name || '@' || d.release_version AS release, d.target, d.portfolio_id, d.session,
       d.instruments, d.timeframe, d.parameters, d.limits, d.on_lease_lost, d.desired_state, d.epoch, d.started_ts,
       d.author, d.created_at, coalesce(r.state, CASE d.desired_state WHEN 'running' THEN 'pending' ELSE 'stopped' END)
       AS state, coalesce(r.message, '') AS message, coalesce(r.pid, 0) AS pid, coalesce(r.restarts, 0) AS restarts,
       r.heartbeat_at, coalesce(r.executed_notebook, '') AS executed_notebook, coalesce(r.log_file, '') AS log_file,
       coalesce(r.checkpoint_ts, 0) AS checkpoint_ts
FROM deployments d LEFT JOIN runners r USING (deployment_id)
"""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment with its runner.

    ``state`` and ``message`` are the runner's; times named ``…_ts`` are market time (UTC ns, 0: none yet).
    """

    deployment_id: str
    release: str
    target: Target
    portfolio_id: str
    session: str
    instruments: list[str]
    timeframe: str
    parameters: dict[str, Any]
    limits: dict[str, Any]
    on_lease_lost: str
    desired_state: DesiredState
    epoch: int
    started_ts: int
    author: str
    created_at: datetime
    state: RunnerState
    message: str
    pid: int
    restarts: int
    heartbeat_at: datetime | None
    executed_notebook: str
    log_file: str
    checkpoint_ts: int


def list_deployments(conn: psycopg.Connection[Any]) -> list[Deployment]:
    """All deployments, the newest first."""
    return _select(conn, "ORDER BY d.created_at DESC, d.deployment_id")


def get_deployment(conn: psycopg.Connection[Any], deployment_id: str) -> Deployment:
    """The deployment of that id. Raises :class:`NotFoundError` with near names."""
    found = _select(conn, "WHERE d.deployment_id = %s", deployment_id)
    if not found:
        from ..sdk.matching import near

        names = [one.deployment_id for one in list_deployments(conn)]
        raise NotFoundError(
            f"there is no deployment {deployment_id!r}",
            hint=f"{near(deployment_id, names)}`millstream deployments` lists all of them.",
        )
    return found[0]


def _select(conn: psycopg.Connection[Any], tail: str, *values: object) -> list[Deployment]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return msgspec.convert(cursor.execute(_SELECT + tail, values).fetchall(), list[Deployment])
