"""The lease of a runner: its row in ``runners``, which it may write only while its epoch is the newest."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from ..bus.base import TopicPartition
from ..contracts.enums import RunnerState
from ..contracts.errors import FencedError
from ..sdk.shown import Values
from .database import Connection, Database

# A checkpoint that is lost with the server would have its slice decided again, on an account that has moved on.
_WAIT_FOR_THE_DISK = " FROM (SELECT set_config('synchronous_commit', 'on', true)) AS durable"
_KEEP = (
    "WITH kept AS (UPDATE runners SET heartbeat_at = now(), checkpoint_ts = %(ts)s, checkpoint_offsets = %(stored)s"  # noqa: S608 - own texts
    f"{_WAIT_FOR_THE_DISK} WHERE deployment_id = %(deployment)s AND epoch = %(epoch)s RETURNING deployment_id),"
    " noted AS (INSERT INTO indicators (deployment_id, instrument, ts, values)"
    " SELECT kept.deployment_id, shown.instrument, %(ts)s, shown.values FROM kept,"
    " unnest(%(instruments)s::text[], %(values)s::jsonb[]) AS shown (instrument, values)"
    " ON CONFLICT (deployment_id, instrument, ts) DO NOTHING)"
    " SELECT count(*) FROM kept"
)


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner had finished: slice ``ts`` (market time, 0: none), the intents of it, the portfolio's version then.

    ``offsets`` are those of the last market records that belong to it or to slices before.
    """

    ts: int = 0
    offsets: dict[TopicPartition, int] = {}
    intents: tuple[str, ...] = ()
    portfolio_version: int = 0

    def stored(self) -> dict[str, Any]:
        """As ``runners.checkpoint_offsets`` holds it."""
        places = {f"{place.topic}/{place.partition}": offset for place, offset in self.offsets.items()}
        return {**places, "intents": list(self.intents), "portfolio_version": self.portfolio_version}

    @classmethod
    def restored(cls, ts: int, stored: dict[str, Any]) -> "Checkpoint":
        places = {name.rpartition("/"): offset for name, offset in stored.items() if "/" in name}
        return cls(
            ts=ts,
            offsets={TopicPartition(topic, int(number)): offset for (topic, _, number), offset in places.items()},
            intents=tuple(stored.get("intents", ())),
            portfolio_version=stored.get("portfolio_version", 0),
        )


class Lease:
    """Writes the row of ``deployment_id`` where the epoch is ``epoch``.

    Every method raises :class:`FencedError` when it is not: another runner has taken over, and this one must end.
    """

    def __init__(self, database: Database, deployment_id: str, epoch: int) -> None:
        self._database = database
        self._deployment_id = deployment_id
        self._epoch = epoch

    async def read(self) -> tuple[Checkpoint, int]:
        """The checkpoint to go on from, and the market time of the deployment's first slice (0: none yet)."""
        query = (
            "SELECT r.checkpoint_ts, r.checkpoint_offsets, d.started_ts FROM runners r"
            " JOIN deployments d USING (deployment_id)"
            " WHERE r.deployment_id = %s AND r.epoch = %s AND d.epoch = r.epoch"
        )

        async def work(conn: Connection) -> Any:
            return await (await conn.execute(query, (self._deployment_id, self._epoch))).fetchone()

        row = await self._database.run(work)
        if row is None:
            raise self._fenced()
        return Checkpoint.restored(row[0], row[1]), row[2]

    async def renew(self) -> None:
        """The heartbeat."""
        await self._update("heartbeat_at = now()", ())

    async def running(self, notebook: str) -> None:
        """Say that the live loop stands ready."""
        await self._update(
            "heartbeat_at = now(), state = %s, message = '', executed_notebook = %s", (RunnerState.RUNNING, notebook)
        )

    async def keep(self, checkpoint: Checkpoint, *, first: bool, shown: Values | None = None) -> None:
        """Store the checkpoint; ``first``: of the deployment's first slice, which is remembered with it.

        ``shown`` are the indicators of its decision, stored with it or not at all.
        """
        if first:
            await self._remember_start(checkpoint.ts)
        given = {
            "ts": checkpoint.ts,
            "stored": Jsonb(checkpoint.stored()),
            "deployment": self._deployment_id,
            "epoch": self._epoch,
            "instruments": list(shown or ()),
            "values": [Jsonb(values) for values in (shown or {}).values()],
        }

        async def work(conn: Connection) -> int:
            row = await (await conn.execute(_KEEP, given)).fetchone()
            return int(row[0]) if row else 0

        if await self._database.run(work) == 0:
            raise self._fenced()

    async def _remember_start(self, ts: int) -> None:
        async def work(conn: Connection) -> None:
            await conn.execute(
                "UPDATE deployments SET started_ts = %s WHERE deployment_id = %s AND epoch = %s AND started_ts = 0",
                (ts, self._deployment_id, self._epoch),
            )

        await self._database.run(work)

    async def _update(self, assignments: str, values: Sequence[Any]) -> None:
        statement = f"UPDATE runners SET {assignments} WHERE deployment_id = %s AND epoch = %s"  # noqa: S608 - own texts

        async def work(conn: Connection) -> int:
            return (await conn.execute(statement, (*values, self._deployment_id, self._epoch))).rowcount

        if await self._database.run(work) == 0:
            raise self._fenced()

    def _fenced(self) -> FencedError:
        return FencedError(
            f"epoch {self._epoch} of {self._deployment_id} is over: another runner has taken its place",
            hint="Nothing to do: this runner ends by itself.",
        )


async def without_waiting_for_the_disk(conn: Connection) -> None:
    """A heartbeat lost with the server is made again: it need not wait for the disk."""
    await conn.execute("SET synchronous_commit = off")
