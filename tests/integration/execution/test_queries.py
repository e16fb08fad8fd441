"""What people see of a short trading day."""

from decimal import Decimal

import psycopg
import pytest
from support.trading import (
    CAPITAL,
    DEPLOYMENT,
    KEY,
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
from millstream.execution.queries import Filter
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


async def test_orders_fills_positions_and_rejections_are_told_with_their_facts(traded):
    (placed,) = queries.orders(traded, Filter(deployment=DEPLOYMENT))
    assert (placed.state, placed.filled, placed.average_price) == ("filled", Decimal(10), Decimal(102))
    (fill,) = queries.fills(traded, Filter(portfolio=PORTFOLIO, instrument=KEY, limit=5))
    assert (fill.order_id, fill.fee) == (placed.order_id, Decimal("1.02"))
    (held,) = queries.positions(traded, Filter(deployment=DEPLOYMENT))
    assert (held.quantity, held.mark, held.unrealized_pnl) == (Decimal(10), Decimal(103), Decimal(10))
    (rejected,) = queries.rejections(traded)
    assert rejected.code == "INVALID_INTENT"
    assert queries.orders(traded, Filter(deployment="other")) == []


async def test_the_portfolio_and_its_equity_agree(traded):
    summary = queries.portfolio(traded, PORTFOLIO)
    points = queries.equity(traded, PORTFOLIO)
    assert summary.equity == points[-1].equity == CAPITAL + 10 - Decimal("1.02")
    assert summary.deployments == (DEPLOYMENT,)
    assert summary.fees == Decimal("1.02")
    assert queries.equity(traded, PORTFOLIO, limit=1) == points[-1:]
    assert queries.portfolios(traded) == [PORTFOLIO]
    with pytest.raises(NotFoundError):
        queries.portfolio(traded, "other")


async def test_latency_is_counted_from_the_intent(traded):
    measured = queries.latency(traded, Filter(deployment=DEPLOYMENT))
    assert measured.count == 1
    assert measured.acked_p50 >= measured.journalled_p50
    assert queries.latency(traded, Filter(deployment="other")).count == 0


async def test_a_portfolio_opens_once_with_a_capital_above_zero(traded):
    terms = {"portfolio_id": "new", "currency": "USD", "initial_cash": Decimal(5)}
    open_portfolio(traded, **terms)
    with pytest.raises(ConflictError):
        open_portfolio(traded, **terms)
    with pytest.raises(InputError):
        open_portfolio(traded, **{**terms, "portfolio_id": "poor", "initial_cash": Decimal(0)})
