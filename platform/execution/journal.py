"""The journal: every write of the trading service, one transaction a batch, in psycopg's pipeline mode.

A turn is ``begin`` (advisory lock shared; fence, halts and changes read), then ``commit`` before and after the venue is
used, then ``release``. The lock is held over all of it, so that :func:`millstream.risk.kill_switch.halt` and
:func:`take_fence`, which take it exclusively, never fall between a journalled order and its send.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from ..bus.base import Record, TopicPartition
from ..contracts.codec import encode
from ..contracts.enums import HaltState, ScopeKind
from ..contracts.errors import FencedError
from ..risk.kill_switch import TRADING_LOCK
from ..store.arrays import Bulk, insert, text_array, update
from ..store.models.market import LOCK_STEP_CHANNEL
from ..store.pipeline import Call, Pipeline, Statement
from .effects import Effects
from .failpoints import Failpoints
from .rows import (
    AuditRecord,
    CashRecord,
    DecisionRecord,
    EquityRecord,
    FillRecord,
    HaltRecord,
    IntentRecord,
    LatchRecord,
    MarkRecord,
    OffsetRecord,
    OrderChange,
    OrderRecord,
    OutboxRecord,
    PortfolioChange,
    PositionRecord,
)

Connection = psycopg.AsyncConnection[Any]
CONSUMER = "trading"
FENCE = "trading"

_INTENTS = insert("intents", IntentRecord)
_DECISIONS = insert("decisions", DecisionRecord, key="decision_id")
_ORDERS = insert("orders", OrderRecord)
_CHANGES = update("orders", OrderChange, key="order_id")
_FILLS = insert("fills", FillRecord)
_POSITIONS = insert("positions", PositionRecord, key="portfolio_id, instrument", update=True)
_CASH = insert("cash", CashRecord, key="portfolio_id, currency", update=True)
_PORTFOLIOS = update("portfolios", PortfolioChange, key="portfolio_id")
_EQUITY = insert("equity", EquityRecord, key="portfolio_id, ts", update=True)
_MARKS = insert("marks", MarkRecord, key="session, instrument", update=True)
_LATCHES = insert("risk_latches", LatchRecord, key="scope, scope_id, name", update=True)
_HALTS = insert("halts", HaltRecord, key="scope, scope_id", update=True)
_AUDIT = insert("audit", AuditRecord)
_TELL: Call = (Statement(f"NOTIFY {LOCK_STEP_CHANNEL}".encode()), [])
_OFFSETS = insert("consumed_offsets", OffsetRecord, key="consumer, topic, partition", update=True)
_OUTBOX = Bulk(
    OutboxRecord,
    "WITH added AS (INSERT INTO outbox ({columns}) SELECT * FROM {source} RETURNING sequence)"
    " SELECT max(sequence) FROM added",
)
_PRELUDE = Statement(b"""SELECT (SELECT epoch FROM fences WHERE name = $1),
 (SELECT json_agg(json_build_array(scope, scope_id, state)) FROM halts WHERE state <> 'active'),
 (SELECT json_object_agg(deployment_id, xmin) FROM deployments WHERE deployment_id = ANY($2::text[])),
 (SELECT json_object_agg(intent_id, digest) FROM intents WHERE intent_id = ANY($3::text[]))""")
_CHECK_FENCE = Statement(b"SELECT 1 / count(*) FROM fences WHERE name = $1 AND epoch = $2::bigint")
_PUBLISHED = Statement(b"DELETE FROM outbox WHERE sequence <= $1::bigint")
_LOCK: Call = (Statement(b"SELECT pg_advisory_lock_shared($1::bigint)"), [str(TRADING_LOCK).encode()])
_UNLOCK: Call = (Statement(b"SELECT pg_advisory_unlock_shared($1::bigint)"), [str(TRADING_LOCK).encode()])
_BEGIN: Call = (Statement(b"BEGIN"), [])
_COMMIT: Call = (Statement(b"COMMIT"), [])
_ROLLBACK: Call = (Statement(b"ROLLBACK"), [])

Halts = Mapping[tuple[ScopeKind, str], HaltState]


@dataclass(frozen=True, slots=True)
class Prelude:
    """What the database says at the beginning of a turn, of the deployments and intents that were asked for.

    ``deployments`` are the row versions of those that exist, ``intents`` the content digests of those in the inbox.
    """

    halts: Halts
    deployments: Mapping[str, str]
    intents: Mapping[str, str]


class Journal:
    """Writes of one fenced instance over one connection (autocommit on: transactions are begun and ended here)."""

    def __init__(self, conn: Connection, *, epoch: int, failpoints: Failpoints) -> None:
        self._pipeline = Pipeline(conn)
        self._epoch = epoch
        self._failpoints = failpoints
        self._in_transaction = False
        self._published = 0
        self._removed = 0
        self.months: set[tuple[int, int]] = set()

    async def begin(self, deployments: Iterable[str], intents: Iterable[str]) -> Prelude:
        """Take the lock, open the transaction, read. Raises :class:`FencedError` when the fence is another's."""
        asked = (_PRELUDE, [FENCE.encode(), text_array(deployments).encode(), text_array(intents).encode()])
        answer = (await self._pipeline.run([_LOCK, _BEGIN, asked]))[-1]
        self._in_transaction = True
        epoch, halts, versions, digests = (_json(answer.get_value(0, column)) for column in range(4))
        if epoch != self._epoch:
            raise _fenced(self._epoch, epoch)
        return Prelude(
            {(ScopeKind(scope), scope_id): HaltState(state) for scope, scope_id, state in halts or ()},
            versions or {},
            digests or {},
        )

    async def commit(
        self, effects: Effects, offsets: Mapping[TopicPartition, int], *, release: bool, tell: bool = False
    ) -> tuple[list[Record], int]:
        """Write all of ``effects`` and the offsets behind them in one transaction; ``release`` gives the lock back too.

        ``tell`` wakes the lock-step replays that wait for this commit. Returns the outbox's records, to be published
        now, and the newest outbox sequence among them (0: none).

        Raises :class:`FencedError` when the fence was lost, ``psycopg.Error`` when the database fails: then nothing of
        this transaction is stored.
        """
        records = [Record(topic.name, key, encode(event)) for topic, key, event in effects.events]
        calls = [] if self._in_transaction else [_BEGIN, (_CHECK_FENCE, [FENCE.encode(), b"%d" % self._epoch])]
        self._in_transaction = False
        calls += [bulk.call(rows) for bulk, rows in _tables(effects) if rows]
        calls += self._offsets(offsets)
        if self._published > self._removed:
            calls.append((_PUBLISHED, [b"%d" % self._published]))
            self._removed = self._published
        outbox = len(calls)
        if records:
            calls.append(_OUTBOX.call([OutboxRecord(item.topic, item.key, item.value) for item in records]))
        if tell:
            calls.append(_TELL)
        calls.append(_COMMIT)
        if release:
            calls.append(_UNLOCK)
        try:
            results = await self._pipeline.run(calls)
        except psycopg.errors.DivisionByZero as error:
            raise _fenced(self._epoch, None) from error
        return records, int(results[outbox].get_value(0, 0) or 0) if records else 0

    async def release(self) -> None:
        """End a turn that has nothing (more) to write."""
        await self._pipeline.run([_ROLLBACK, _UNLOCK] if self._in_transaction else [_UNLOCK])
        self._in_transaction = False

    def published(self, newest: int) -> None:
        """The outbox up to the sequence ``newest`` is on the bus: the next commit removes it."""
        self._published = newest

    async def clear_outbox(self, newest: int) -> None:
        """Remove what was published, outside a turn."""
        await self._pipeline.run([(_PUBLISHED, [b"%d" % newest])])

    def _offsets(self, offsets: Mapping[TopicPartition, int]) -> list[Call]:
        if not offsets:
            return []
        self._failpoints.hit("before_offset")
        rows = [OffsetRecord(CONSUMER, where.topic, where.partition, offset) for where, offset in offsets.items()]
        self._failpoints.hit("after_offset")
        return [_OFFSETS.call(rows)]


def _json(value: bytes | None) -> Any:
    return None if value is None else msgspec.json.decode(value)


def _tables(effects: Effects) -> tuple[tuple[Bulk, list[Any]], ...]:
    return (
        (_INTENTS, effects.intents),
        (_DECISIONS, list(effects.decisions.values())),
        (_ORDERS, list(effects.orders.values())),
        (_CHANGES, list(effects.changes.values())),
        (_FILLS, effects.fills),
        (_POSITIONS, list(effects.positions.values())),
        (_CASH, list(effects.cash.values())),
        (_PORTFOLIOS, list(effects.portfolios.values())),
        (_EQUITY, list(effects.equity.values())),
        (_MARKS, list(effects.marks.values())),
        (_LATCHES, list(effects.latches.values())),
        (_HALTS, list(effects.halts.values())),
        (_AUDIT, effects.audit),
    )


def _fenced(mine: int, theirs: int | None) -> FencedError:
    return FencedError(
        f"another trading service took over (this one had epoch {mine}, the fence is at {theirs or 'another'})",
        hint="One trading service runs per database; this one ends.",
    )


async def take_fence(conn: Connection, holder: str, *, expected: int | None, patience: float) -> int:
    """Become the one instance that may write, and return the new epoch.

    Waits up to ``patience`` seconds for the present holder to end its turn, then ends its database session. Raises
    :class:`FencedError` when ``expected`` (the epoch this process had) is no longer the newest: it was replaced.
    """
    try:
        return await _take_fence(conn, holder, expected, patience)
    except psycopg.errors.LockNotAvailable:
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND (classid::bigint << 32) + objid::bigint = %s",
            (TRADING_LOCK,),
        )
        return await _take_fence(conn, holder, expected, patience)


async def _take_fence(conn: Connection, holder: str, expected: int | None, patience: float) -> int:
    async with conn.transaction():
        await conn.execute("SELECT set_config('lock_timeout', %s, true)", (f"{round(patience * 1000)}ms",))
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (TRADING_LOCK,))
        row = await (
            await conn.execute(
                "INSERT INTO fences (name, epoch, holder, taken_at) VALUES (%s, 1, %s, clock_timestamp())"
                " ON CONFLICT (name) DO UPDATE SET epoch = fences.epoch + 1, holder = excluded.holder,"
                " taken_at = excluded.taken_at RETURNING epoch",
                (FENCE, holder),
            )
        ).fetchone()
        epoch = int(row[0]) if row else 0
        if expected is not None and epoch != expected + 1:
            raise _fenced(expected, epoch - 1)
    return epoch
