"""What is told of a deployment after a short trading day."""

from decimal import Decimal

import psycopg
import pytest
from support.trading import (
    CAPITAL,
    DEPLOYMENT,
    PORTFOLIO,
    eventually,
    order,
    record,
    rows,
    seed,
    serving,
    slice_of,
)

from millstream.bus.memory import MemoryBus
from millstream.contracts.enums import Side
from millstream.contracts.errors import ConflictError, InputError, NotFoundError
from millstream.execution import queries
from millstream.ops.clock import WallClock
from millstream.portfolio.accounts import open_portfolio


@pytest.fixture
async def traded(trading_database):
    seed(trading_database)
    async with MemoryBus("", clock=WallClock()) as bus, serving(trading_database, bus):
        for day, prices in ((10, (100, 101, 99, 100)), (11, (102, 104, 101, 103))):
            await bus.publish([record(event) for event in slice_of(day, prices)])
            count = day - 9
            await eventually(lambda n=count: rows(trading_database, "SELECT count(*) = %s FROM equity", n)[0][0])
            if day == 10:
                await bus.publish([record(order(11, Side.BUY, 10)), record(order(11, Side.SELL, "0.0001", sequence=1))])
                await eventually(lambda: rows(trading_database, "SELECT count(*) = 2 FROM decisions")[0][0])
                await eventually(
                    lambda: rows(trading_database, "SELECT count(*) FROM orders WHERE state = 'accepted'")[0][0]
                )
    with psycopg.connect(trading_database) as conn:
        yield conn


async def test_orders_fills_and_rejections_are_told_with_their_facts(traded):
    (placed,) = queries.orders(traded, DEPLOYMENT)
    assert (placed.state, placed.filled, placed.average_price) == ("filled", Decimal(10), Decimal(102))
    (fill,) = queries.fills(traded, DEPLOYMENT)
    assert (fill.order_id, fill.fee) == (placed.order_id, Decimal("1.02"))
    (rejected,) = queries.rejections(traded, DEPLOYMENT)
    assert rejected.code == "INVALID_INTENT"
    assert queries.orders(traded, "other") == []


async def test_the_outcome_is_the_equity_at_the_newest_close(traded):
    found = queries.outcome(traded, PORTFOLIO)
    assert (found.initial_cash, found.equity) == (CAPITAL, CAPITAL + 10 - Decimal("1.02"))
    assert found.fees == Decimal("1.02")
    with pytest.raises(NotFoundError):
        queries.outcome(traded, "other")


async def test_latency_is_counted_from_the_intent(traded):
    measured = queries.latency(traded, DEPLOYMENT)
    assert measured.count == 1
    assert measured.acked_p50 >= measured.journalled_p50
    assert queries.latency(traded, "other").count == 0


async def test_a_portfolio_opens_once_with_a_capital_above_zero(traded):
    terms = {"portfolio_id": "new", "currency": "USD", "initial_cash": Decimal(5)}
    open_portfolio(traded, **terms)
    with pytest.raises(ConflictError):
        open_portfolio(traded, **terms)
    with pytest.raises(InputError):
        open_portfolio(traded, **{**terms, "portfolio_id": "poor", "initial_cash": Decimal(0)})
