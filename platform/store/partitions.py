"""Time-series tables: TimescaleDB hypertables where the extension can be used, else monthly partitions.

Native partitions are made on demand, before rows are written: :func:`ensure_partitions`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql

from ..contracts.errors import InputError

TIME_COLUMNS: dict[str, LiteralString] = {"candles": "open_time", "equity": "ts"}
CHUNK_INTERVAL: LiteralString = "1 month"
TIMESCALE_STATE: LiteralString = (
    "SELECT installed_version IS NOT NULL,"
    " current_setting('shared_preload_libraries', true) ~ '\\mtimescaledb\\M'"
    " FROM pg_available_extensions WHERE name = 'timescaledb'"
)
_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended('millstream.partitions', 0))"
_NATIVE: LiteralString = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)"
_MISSING: LiteralString = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL"


@dataclass(frozen=True, slots=True)
class Partition:
    """One month of a table: rows with ``start`` <= time < ``end`` (UTC)."""

    table: str
    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        return f"{self.table}_{self.start:%Y_%m}"


class TimescaleState(NamedTuple):
    """What the server says about TimescaleDB: created in this database, and loaded at the server's start."""

    created: bool
    preloaded: bool


def hypertables_usable(state: TimescaleState | None) -> bool:
    """Whether hypertables can be made; ``state`` is None where the server does not offer TimescaleDB at all.

    An extension that is only lying on disk cannot be created: the server has to preload its library.
    """
    return state is not None and (state.created or state.preloaded)


def hypertable_statements(table: str) -> list[str]:
    """SQL that turns the empty plain table ``table`` into a hypertable with monthly chunks."""
    dimension = f"by_range('{TIME_COLUMNS[table]}', INTERVAL '{CHUNK_INTERVAL}')"
    return [
        "CREATE EXTENSION IF NOT EXISTS timescaledb",
        f"SELECT create_hypertable('{table}', {dimension})",
    ]


def months(table: str, first: datetime, last: datetime) -> Iterator[Partition]:
    """The monthly partitions of ``table`` that hold ``first`` to ``last``, both included and aware."""
    if first.tzinfo is None or last.tzinfo is None:
        raise InputError(f"partitions of {table} need times with a zone", hint="Pass aware datetimes, best in UTC.")
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    start = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while start <= last:
        end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
        yield Partition(table, start, end)
        start = end


async def ensure_partitions(conn: psycopg.AsyncConnection, table: str, first: datetime, last: datetime) -> int:
    """Make the partitions of ``candles`` or ``equity`` for ``first`` … ``last``; return how many were new.

    Does nothing for a hypertable. Safe with other processes doing the same: they wait for each other, and
    readers and writers of existing partitions are not blocked. New partitions belong to the connection's
    transaction, if it is in one.
    """
    wanted = {month.name: month for month in months(table, first, last)}
    if not await _missing(conn, table, list(wanted)):
        return 0
    async with conn.transaction():
        await conn.execute(_LOCK)
        missing = await _missing(conn, table, list(wanted))
        for name in missing:
            for statement in creation(wanted[name]):
                await conn.execute(statement)
    return len(missing)


def ensure_partitions_sync(conn: psycopg.Connection, table: str, first: datetime, last: datetime) -> int:
    """As :func:`ensure_partitions`, on a blocking connection."""
    wanted = {month.name: month for month in months(table, first, last)}
    if not _missing_sync(conn, table, list(wanted)):
        return 0
    with conn.transaction():
        conn.execute(_LOCK)
        missing = _missing_sync(conn, table, list(wanted))
        for name in missing:
            for statement in creation(wanted[name]):
                conn.execute(statement)
    return len(missing)


def creation(month: Partition) -> list[sql.Composed]:
    """Statements that make one partition.

    It is made beside the table and attached, which locks out no reader or writer of the table, as
    ``CREATE TABLE … PARTITION OF`` would.
    """
    names = {"table": sql.Identifier(month.table), "part": sql.Identifier(month.name)}
    bounds = {"start": sql.Literal(month.start.isoformat()), "end": sql.Literal(month.end.isoformat())}
    return [
        sql.SQL("CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)").format(
            **names
        ),
        sql.SQL("ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({start}) TO ({end})").format(
            **names, **bounds
        ),
    ]


async def _missing(conn: psycopg.AsyncConnection, table: str, names: list[str]) -> list[str]:
    native = await (await conn.execute(_NATIVE, (table,))).fetchone()
    if native is None or not native[0]:
        return []
    return [name for (name,) in await (await conn.execute(_MISSING, (names,))).fetchall()]


def _missing_sync(conn: psycopg.Connection, table: str, names: list[str]) -> list[str]:
    native = conn.execute(_NATIVE, (table,)).fetchone()
    if native is None or not native[0]:
        return []
    return [name for (name,) in conn.execute(_MISSING, (names,)).fetchall()]
