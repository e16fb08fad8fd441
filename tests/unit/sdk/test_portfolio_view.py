import itertools
from decimal import Decimal

import pytest

from millstream.contracts.enums import Liquidity, Side
from millstream.contracts.errors import InputError
from millstream.contracts.events import OrderFilled, PortfolioUpdated, PositionView
from millstream.sdk.portfolio import PortfolioView

D = Decimal


def fill(number, side, quantity, price, fee="0", instrument="T:A"):
    return OrderFilled(
        event_id=str(number),
        occurred_at=0,
        trade_id=str(number),
        venue="v",
        account="a",
        order_id="o",
        intent_id="i",
        deployment_id="d",
        portfolio_id="p",
        instrument=instrument,
        side=side,
        quantity=D(quantity),
        price=D(price),
        fee=D(fee),
        fee_currency="USD",
        liquidity=Liquidity.TAKER,
        ts=number,
        portfolio_version=number,
    )


def update(version, cash, **positions):
    views = tuple(
        PositionView(
            instrument=f"T:{name}",
            quantity=D(quantity),
            average_price=D(1),
            mark=D(1),
            realized_pnl=D(0),
            unrealized_pnl=D(0),
            currency="USD",
        )
        for name, quantity in positions.items()
    )
    return PortfolioUpdated(
        event_id=f"u{version}",
        occurred_at=0,
        portfolio_id="p",
        version=version,
        ts=0,
        currency="USD",
        cash={"USD": D(cash)},
        positions=views,
        equity=D(0),
        realized_pnl=D(0),
        unrealized_pnl=D(0),
        fees=D(0),
    )


def test_fill_moves_cash_and_position():
    view = PortfolioView("p", "USD", D(1000))
    assert view.fill(fill(1, Side.BUY, 3, 100, "1.5"))
    assert (view.cash, view.position("T:A")) == (D("698.5"), D(3))
    assert view.equity({"T:A": D(110)}) == D("1028.5")


def test_redelivered_fill_changes_nothing():
    view = PortfolioView("p", "USD", D(1000))
    first = fill(1, Side.BUY, 3, 100)
    view.fill(first)
    assert not view.fill(first)
    view.apply(update(1, 700, A=3))
    assert not view.fill(first)
    assert view.position("T:A") == 3


def test_every_order_of_arrival_ends_in_the_same_state():
    fills = [fill(1, Side.BUY, 3, 100, "1"), fill(2, Side.SELL, 1, 120, "1"), fill(3, Side.SELL, 4, 90, "1")]
    events = [*fills, update(1, 699, A=3), update(2, 818, A=2), update(3, 1177, A=-2)]
    for order in itertools.permutations(events):
        view = PortfolioView("p", "USD", D(1000))
        for event in order:
            view.fill(event) if isinstance(event, OrderFilled) else view.apply(event)
        assert (view.version, view.cash, view.positions) == (3, D(1177), {"T:A": D(-2)}), order


def test_version_is_not_reached_before_its_fills_are_seen():
    view = PortfolioView("p", "USD", D(1000))
    view.apply(update(1, 700, A=3))
    assert (view.version, view.position("T:A")) == (0, 0)
    view.fill(fill(1, Side.BUY, 3, 100))
    assert view.version == 1


def test_cash_change_without_fills_is_taken_over():
    view = PortfolioView("p", "USD", D(1000))
    view.apply(update(1, 1500))
    assert (view.version, view.cash) == (1, D(1500))


def test_events_of_another_portfolio_are_ignored():
    view = PortfolioView("other", "USD", D(1000))
    assert not view.fill(fill(1, Side.BUY, 3, 100))
    view.apply(update(1, 1))
    assert (view.version, view.cash) == (0, D(1000))


def test_held_instrument_without_a_price_is_an_error():
    view = PortfolioView.of(update(4, 10, A=2))
    assert view.version == 4
    with pytest.raises(InputError, match="T:A"):
        view.equity({})
