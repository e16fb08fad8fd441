"""The supervisor's view of the database: what should run, and what it says about what does."""

from typing import Any

import msgspec
from psycopg.rows import dict_row

from ..contracts.enums import DesiredState, RunnerState
from ..contracts.errors import RetriableError
from .database import Connection, Database

_ROWS = (
    "SELECT d.deployment_id, d.portfolio_id, d.session, d.desired_state, d.epoch, d.on_lease_lost,"
    " coalesce(r.state, 'pending') AS state, coalesce(r.epoch, 0) AS runner_epoch,"
    " coalesce(extract(epoch FROM r.heartbeat_at), 0)::float8 AS heartbeat,"
    " coalesce(r.executed_notebook, '') AS notebook"
    " FROM deployments d LEFT JOIN runners r USING (deployment_id)"
    " WHERE d.desired_state = 'running' OR r.state IN ('pending', 'starting', 'running', 'failed')"
    " ORDER BY d.created_at"
)
# The lease of the runner before ends in the statement that opens the next epoch: its checkpoint is final then.
_CLAIM = (
    "WITH before AS (UPDATE runners SET epoch = epoch + 1 WHERE deployment_id = %s RETURNING checkpoint_ts)"
    " UPDATE deployments d SET epoch = d.epoch + 1, changed_at = now(),"
    " decided_ts = coalesce((SELECT checkpoint_ts FROM before), 0) FROM releases l"
    " WHERE d.deployment_id = %s AND d.desired_state = 'running'"
    " AND l.name = d.release_name AND l.version = d.release_version"
    " RETURNING d.deployment_id, d.epoch, d.portfolio_id, d.session, d.instruments, d.timeframe, d.parameters,"
    " l.bundle, coalesce((SELECT s.clock FROM market_sessions s WHERE s.session_id = d.session), 'wall')"
    " AS session_clock,"
    " coalesce((SELECT s.speed FROM market_sessions s WHERE s.session_id = d.session), 0) AS session_speed,"
    " coalesce((SELECT s.lock_step FROM market_sessions s WHERE s.session_id = d.session), false) AS session_waits"
)
_STARTING = (
    "INSERT INTO runners (deployment_id, epoch, state, message, pid, host, restarts, heartbeat_at, started_at,"
    " executed_notebook, log_file, checkpoint_ts, checkpoint_offsets)"
    " VALUES (%(deployment_id)s, %(epoch)s, 'starting', '', 0, %(host)s, 0, now(), now(), %(notebook)s, %(log)s, 0,"
    " '{}') ON CONFLICT (deployment_id) DO UPDATE SET epoch = excluded.epoch, state = 'starting', message = '',"
    " pid = 0,"
    " host = excluded.host, heartbeat_at = now(), started_at = now(), executed_notebook = excluded.executed_notebook,"
    " log_file = excluded.log_file"
)
# One supervisor for one database: the lock goes with its connection.
_LOCK = "SELECT pg_try_advisory_lock(hashtext('millstream.supervisor'), 0)"


class DesiredRow(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment as the supervisor sees it. ``heartbeat`` only tells whether it changed."""

    deployment_id: str
    portfolio_id: str
    session: str
    desired_state: DesiredState
    epoch: int
    on_lease_lost: str
    state: RunnerState
    runner_epoch: int
    heartbeat: float
    notebook: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment under a new epoch, ready to start."""

    deployment_id: str
    epoch: int
    portfolio_id: str
    session: str
    instruments: tuple[str, ...]
    timeframe: str
    parameters: dict[str, object]
    bundle: str
    session_clock: str
    session_speed: float
    session_waits: bool


class Roster:
    """Reads and writes ``deployments`` and ``runners`` for the supervisor; waits for a lost database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self) -> list[DesiredRow]:
        """Deployments that should run, or whose runner is not known to have ended."""
        return msgspec.convert(await self._dicts(_ROWS), list[DesiredRow])

    async def claim(self, deployment_id: str) -> Claim | None:
        """Open the next epoch of a deployment; ``None`` when it should not run any more."""
        found = await self._dicts(_CLAIM, deployment_id, deployment_id)
        return msgspec.convert(found[0], Claim) if found else None

    async def starting(self, claim: Claim, *, host: str, notebook: str, log: str) -> None:
        """Write the runner's row for the new epoch; the checkpoint of the one before stays."""
        values = {"deployment_id": claim.deployment_id, "epoch": claim.epoch, "host": host}
        await self._write(_STARTING, {**values, "notebook": notebook, "log": log})

    async def started(self, deployment_id: str, epoch: int, pid: int) -> None:
        await self._write(
            "UPDATE runners SET pid = %s WHERE deployment_id = %s AND epoch = %s", (pid, deployment_id, epoch)
        )

    async def ended(self, deployment_id: str, epoch: int, state: RunnerState, message: str) -> None:
        """Write how an epoch ended."""
        await self._write(
            "UPDATE runners SET state = %s, message = %s, pid = 0, restarts = restarts + %s"
            " WHERE deployment_id = %s AND epoch = %s",
            (state, message, int(state is RunnerState.FAILED), deployment_id, epoch),
        )

    async def _dicts(self, query: Any, *values: object) -> list[dict[str, Any]]:
        async def work(conn: Connection) -> list[dict[str, Any]]:
            async with conn.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(query, values)
                return await cursor.fetchall()

        return await self._database.run(work)

    async def _write(self, statement: Any, values: Any) -> None:
        async def work(conn: Connection) -> None:
            await conn.execute(statement, values)

        await self._database.run(work)


async def be_the_only_one(conn: Connection) -> None:
    """Take the supervisor's lock. Raises :class:`RetriableError` while another supervisor holds it."""
    row = await (await conn.execute(_LOCK)).fetchone()
    if not row or not row[0]:
        raise RetriableError("another supervisor is at work on this database", hint="Stop it; this one waits.")
