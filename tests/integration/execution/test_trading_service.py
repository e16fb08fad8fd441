"""The trading service on the memory bus and a real PostgreSQL."""

import asyncio
from decimal import Decimal

import psycopg
import pytest
from support.trading import (
    DEPLOYMENT,
    KEY,
    PORTFOLIO,
    eventually,
    ledger_of,
    order,
    record,
    rows,
    seed,
    serving,
    slice_of,
)

from millstream.bus.base import Record, Subscription
from millstream.bus.memory import MemoryBus
from millstream.contracts.codec import decode
from millstream.contracts.enums import HaltState, OrderState, OrderType, ScopeKind, Side
from millstream.contracts.errors import FencedError
from millstream.contracts.events import OrderUpdated, PortfolioUpdated
from millstream.contracts.topics import DEAD_LETTERS, ORDERS_INTENTS, ORDERS_PLACED, PORTFOLIO_UPDATED, TRADES_APPROVED
from millstream.ops.clock import WallClock
from millstream.risk.kill_switch import halt, resume


def count(dsn, table, where="true"):
    return rows(dsn, f"SELECT count(*) FROM {table} WHERE {where}")[0][0]


async def heard(bus, number, *topics):
    """The first ``number`` events on ``topics``."""
    events = []
    async with await bus.subscribe(Subscription(topics=topics)) as consumer, asyncio.timeout(10):
        while len(events) < number:
            events += [decode(item.topic, item.value) for item in await consumer.read(timeout=1)]
    return events


async def test_an_intent_becomes_a_filled_order_with_ledger_equity_and_events(trading_database):
    seed(trading_database)
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        await bus.publish([record(order(11, Side.BUY, 10))])
        await eventually(lambda: count(trading_database, "orders", "state = 'accepted'") == 1)
        await bus.publish([record(event) for event in slice_of(11, (102, 104, 101, 103))])
        await eventually(lambda: count(trading_database, "equity") == 2)
        events = await heard(bus, 6, ORDERS_PLACED.name, TRADES_APPROVED.name, PORTFOLIO_UPDATED.name)
    assert rows(trading_database, "SELECT price, quantity, fee, realized_pnl FROM fills") == [
        (Decimal(102), Decimal(10), Decimal("1.02"), Decimal(0))
    ]
    assert rows(trading_database, "SELECT amount FROM cash") == [(Decimal(100_000) - 1020 - Decimal("1.02"),)]
    assert rows(trading_database, "SELECT equity FROM equity ORDER BY ts DESC LIMIT 1") == [
        (Decimal(100_000) + 10 - Decimal("1.02"),)
    ]
    assert [event.state for event in events if isinstance(event, OrderUpdated)] == [
        OrderState.ACCEPTED,
        OrderState.FILLED,
    ]
    assert [event.version for event in events if isinstance(event, PortfolioUpdated)] == [0, 1, 1]
    assert count(trading_database, "outbox") == 0


async def test_a_redelivered_intent_changes_nothing_and_other_content_is_rejected(trading_database):
    seed(trading_database)
    first = order(11, Side.BUY, 10)
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        await bus.publish([record(first), record(first), record(order(11, Side.BUY, 11))])
        await eventually(lambda: count(trading_database, "decisions") == 2)
    assert count(trading_database, "orders") == 1
    assert rows(trading_database, "SELECT approved, code FROM decisions ORDER BY approved") == [
        (False, "DUPLICATE_INTENT"),
        (True, ""),
    ]


async def test_a_redelivered_intent_after_a_restart_is_known_from_the_inbox(trading_database):
    seed(trading_database)
    first = order(11, Side.BUY, 10)
    async with MemoryBus("", clock=WallClock()) as bus:
        async with serving(trading_database, bus):
            await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
            await eventually(lambda: count(trading_database, "equity") == 1)
            await bus.publish([record(first)])
            await eventually(lambda: count(trading_database, "orders") == 1)
        async with serving(trading_database, bus):
            await bus.publish([record(first), record(order(11, Side.SELL, 1, sequence=1))])
            await eventually(lambda: count(trading_database, "decisions") == 2)
    assert count(trading_database, "orders") == 2
    assert count(trading_database, "decisions", "approved") == 2


async def test_an_unknown_deployment_is_denied_and_a_new_one_is_picked_up(trading_database):
    seed(trading_database)
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        late = {"deployment": "late", "portfolio": "late"}
        await bus.publish([record(order(11, Side.BUY, 1, **late))])
        await eventually(lambda: count(trading_database, "decisions", "code = 'UNKNOWN_ACCOUNT'") == 1)
        seed(trading_database, deployment="late", portfolio="late")
        await bus.publish([record(order(11, Side.BUY, 1, sequence=1, **late))])
        await eventually(lambda: count(trading_database, "orders", "deployment_id = 'late'") == 1)


async def test_protective_legs_take_part_in_the_bar_whose_open_filled_the_entry(trading_database):
    seed(trading_database, protection={"stop_loss": "0.05", "take_profit": "0.10"})
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        await bus.publish([record(order(11, Side.BUY, 10))])
        await eventually(lambda: count(trading_database, "orders", "state = 'accepted'") == 1)
        await bus.publish([record(event) for event in slice_of(11, (100, 102, 94, 98))])
        await eventually(lambda: count(trading_database, "equity") == 2)
    assert rows(trading_database, "SELECT leg, state, average_price FROM orders ORDER BY leg") == [
        ("", "filled", Decimal(100)),
        ("stop_loss", "filled", Decimal(95)),
        ("take_profit", "canceled", None),
    ]
    assert rows(trading_database, "SELECT quantity FROM positions") == [(Decimal(0),)]


async def test_poisoned_bytes_are_dead_lettered_and_halt_the_deployment_they_name(trading_database):
    seed(trading_database)
    poison = Record(ORDERS_INTENTS.name, KEY, b'{"type":"order.intent","deployment_id":"dep","quantity":"ten"}')
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        await bus.publish([poison, record(order(11, Side.BUY, 10))])
        await eventually(lambda: count(trading_database, "decisions") == 1)
        (letter,) = await heard(bus, 1, DEAD_LETTERS.name)
    assert letter.topic == ORDERS_INTENTS.name
    assert rows(trading_database, "SELECT scope, scope_id, state FROM halts") == [("deployment", DEPLOYMENT, "halted")]
    assert rows(trading_database, "SELECT code FROM decisions") == [("HALTED",)]
    assert count(trading_database, "audit", "actor = 'trading-service'") == 1


async def trade_beside_a_second_instance(dsn, bus):
    async with serving(dsn, bus), serving(dsn, bus, holder="second"):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(dsn, "equity") == 1)
        await bus.publish([record(order(11, Side.BUY, 10))])
        await eventually(lambda: count(dsn, "orders", "state = 'accepted'") == 1)


async def test_a_second_instance_fences_the_first_which_ends(trading_database):
    seed(trading_database)
    async with MemoryBus("", clock=WallClock()) as bus:
        with pytest.raises(FencedError, match="took over"):
            await trade_beside_a_second_instance(trading_database, bus)
    assert count(trading_database, "orders") == 1


async def test_halt_cancels_working_orders_without_the_bus_and_rejects_until_resumed(trading_database):
    seed(trading_database)
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        resting = order(11, Side.BUY, 10, order_type=OrderType.LIMIT, limit_price=Decimal(90))
        await bus.publish([record(resting)])
        await eventually(lambda: count(trading_database, "orders", "state = 'accepted'") == 1)
        with psycopg.connect(trading_database) as conn:
            report = await asyncio.to_thread(halt, conn, ScopeKind.PORTFOLIO, PORTFOLIO, "me", "test")
            assert report.sealed
            assert report.halt.state is HaltState.HALTED
            await eventually(lambda: count(trading_database, "orders", "state = 'canceled'") == 1)
            await bus.publish([record(order(11, Side.BUY, 1, sequence=1))])
            await eventually(lambda: count(trading_database, "decisions", "code = 'HALTED'") == 1)
            resume(conn, ScopeKind.PORTFOLIO, PORTFOLIO, "me", "over")
        await bus.publish([record(order(11, Side.BUY, 1, sequence=2))])
        await eventually(lambda: count(trading_database, "orders") == 2)


async def test_a_database_session_that_is_lost_leads_through_recovery(trading_database):
    seed(trading_database)
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus) as service:
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        rows(
            trading_database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millstream-trading'"
            " AND datname = current_database()",
        )
        await bus.publish([record(order(11, Side.BUY, 10))])
        await eventually(lambda: count(trading_database, "orders", "state = 'accepted'") == 1)
        await eventually(service.ready.is_set)
        await bus.publish([record(event) for event in slice_of(11, (102, 104, 101, 103))])
        await eventually(lambda: count(trading_database, "equity") == 2)
    assert len(ledger_of(trading_database)["fills"]) == 1


async def test_an_account_opened_while_the_service_runs_sees_its_session_from_the_first_bar(trading_database):
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        seed(trading_database)
        await bus.publish([record(event) for event in slice_of(10, (100, 101, 99, 100))])
        await eventually(lambda: count(trading_database, "equity") == 1)
        assert count(trading_database, "marks") == 1
