"""The kill switch while intents are pouring in, and without any service."""

import asyncio

import psycopg
import pytest
from support.trading import DEPLOYMENT, PORTFOLIO, eventually, order, record, rows, seed, serving, slice_of

from millstream.bus.memory import MemoryBus
from millstream.contracts.codec import decode
from millstream.contracts.enums import HaltState, ScopeKind, Side
from millstream.contracts.errors import InputError, NotFoundError
from millstream.ops.clock import WallClock
from millstream.risk.kill_switch import TRADING_LOCK, active_halts, halt, halt_record, resume


def orders(dsn, where="true"):
    return rows(dsn, f"SELECT count(*) FROM orders WHERE {where}")[0][0]


async def test_once_halt_has_returned_no_order_is_journalled_any_more(trading_database):
    seed(trading_database)

    async def pour(bus):
        for sequence in range(100_000):
            await bus.publish([record(order(11, Side.BUY, "0.001", sequence=sequence))])
            await asyncio.sleep(0.001)

    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: rows(trading_database, "SELECT count(*) FROM equity")[0][0])
        load = asyncio.create_task(pour(bus))
        await eventually(lambda: orders(trading_database) > 20)
        with psycopg.connect(trading_database) as conn:
            report = await asyncio.to_thread(halt, conn, ScopeKind.DEPLOYMENT, DEPLOYMENT, "me", "test")
        journalled = orders(trading_database)
        assert report.sealed
        assert orders(trading_database, "state = 'submitted'") == 0
        before = rows(trading_database, "SELECT count(*) FROM decisions")[0][0]
        await eventually(lambda: rows(trading_database, "SELECT count(*) FROM decisions")[0][0] > before + 20)
        assert orders(trading_database) == journalled
        await eventually(lambda: orders(trading_database, "state <> 'canceled'") == 0)
        load.cancel()


@pytest.fixture
def conn(trading_database):
    seed(trading_database)
    with psycopg.connect(trading_database) as connection:
        yield connection


def test_a_halt_says_so_when_a_send_is_still_in_flight(conn, trading_database):
    with psycopg.connect(trading_database, autocommit=True) as sender:
        sender.execute("SELECT pg_advisory_lock_shared(%s)", (TRADING_LOCK,))
        report = halt(conn, ScopeKind.GLOBAL, "", "me", "test", wait_seconds=0.05)
        assert not report.sealed
        assert [row.state for row in active_halts(conn)] == [HaltState.HALTED]
    assert halt(conn, ScopeKind.GLOBAL, "", "me", "again", wait_seconds=5).sealed


def test_every_change_is_audited_and_a_resume_needs_a_halt(conn, trading_database):
    with pytest.raises(NotFoundError, match="is not halted"):
        resume(conn, ScopeKind.PORTFOLIO, PORTFOLIO, "me", "over")
    report = halt(conn, ScopeKind.PORTFOLIO, PORTFOLIO, "me", "test", state=HaltState.REDUCE_ONLY)
    resume(conn, ScopeKind.PORTFOLIO, PORTFOLIO, "you", "over")
    assert active_halts(conn) == []
    assert rows(trading_database, "SELECT actor, action, subject FROM audit ORDER BY sequence") == [
        ("me", "halt.reduce_only", "portfolio:pf"),
        ("you", "halt.active", "portfolio:pf"),
    ]
    prompt = halt_record(report.halt)
    assert decode(prompt.topic, prompt.value).state is HaltState.REDUCE_ONLY


@pytest.mark.parametrize(
    ("scope", "scope_id", "actor", "reason"),
    [
        (ScopeKind.GLOBAL, "x", "me", "why"),
        (ScopeKind.PORTFOLIO, "", "me", "why"),
        (ScopeKind.GLOBAL, "", "", "why"),
        (ScopeKind.GLOBAL, "", "me", ""),
    ],
)
def test_a_halt_without_scope_actor_or_reason_is_refused(conn, scope, scope_id, actor, reason):
    with pytest.raises(InputError):
        halt(conn, scope, scope_id, actor, reason)
