import asyncio
from decimal import Decimal
from unittest.mock import Mock

import pytest

from millstream.contracts.enums import Liquidity, OrderState, OrderType, RejectCode, ScopeKind, Side
from millstream.contracts.events import (
    CancelIntent,
    OrderFilled,
    OrderIntent,
    OrderUpdated,
    PortfolioUpdated,
    PositionView,
    TradeRejected,
)
from millstream.runner.account import Account
from millstream.sdk.portfolio import PortfolioView

COMMON = {"occurred_at": 0, "deployment_id": "d", "portfolio_id": "p", "instrument": "X:A"}


@pytest.fixture
def account():
    host = Mock()
    host.config.deployment_id = "d"
    return Account(host, PortfolioView("p", "USD", Decimal(100), version=0), ())


def order(intent, **changes):
    values = {"event_id": intent, "intent_id": intent, "idempotency_key": intent, "epoch": 1, "risk_key": "r"}
    made = {"decided_at": 1, "expires_at": 2, "side": Side.BUY, "quantity": Decimal(1)}
    return OrderIntent(**COMMON, **values, **made, **changes)


def cancel(intent, target):
    values = {"event_id": intent, "intent_id": intent, "idempotency_key": intent, "epoch": 1, "risk_key": "r"}
    return CancelIntent(**COMMON, **values, decided_at=1, expires_at=2, target_intent_id=target)


def updated(intent, state, **changes):
    values = {"order_id": "o" + intent, "client_order_id": "c", "side": Side.BUY, "order_type": OrderType.MARKET}
    facts = {"quantity": Decimal(1), "filled": Decimal(0), "state": state, "version": 1, "ts": 1}
    return OrderUpdated(**COMMON | changes, event_id=intent, intent_id=intent, **values, **facts)


def rejected(intent):
    facts = {
        "code": RejectCode.HALTED,
        "stage": 1,
        "scope": ScopeKind.GLOBAL,
        "observed": "",
        "limit": "",
        "message": "",
    }
    return TradeRejected(**COMMON, event_id=intent, intent_id=intent, ts=1, **facts)


async def reaches(account, version=0):
    try:
        async with asyncio.timeout(0.01):
            await account.reach(version)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("state", [OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.INITIALIZED])
async def test_intent_in_doubt_is_waited_for(account, state):
    account.sent([order("i")])
    account.apply(updated("i", state))

    assert not await reaches(account)


@pytest.mark.parametrize("answer", [updated("i", OrderState.ACCEPTED), rejected("i")])
async def test_intent_with_an_answer_is_settled(account, answer):
    account.sent([order("i")])
    account.apply(answer)

    assert await reaches(account)


async def test_cancel_is_settled_when_its_order_has_ended(account):
    account.sent([order("i"), cancel("c", "i")])
    account.apply(updated("i", OrderState.ACCEPTED))
    waiting = await reaches(account)
    account.apply(updated("i", OrderState.CANCELED))

    assert (waiting, await reaches(account)) == (False, True)
    account.sent([cancel("again", "i")])
    assert await reaches(account)


async def test_answers_of_the_database_settle_as_those_of_the_bus_do(account):
    account.sent([order("i"), cancel("c", "j")])
    assert account.unanswered == ["i", "c", "j"]
    account.tell([rejected("i"), updated("j", OrderState.FILLED)])

    assert await reaches(account)


async def test_version_is_reached_only_with_the_fills_it_contains(account):
    position = PositionView(
        instrument="X:A", quantity=Decimal(2), average_price=Decimal(5), mark=Decimal(5), realized_pnl=Decimal(0),
        unrealized_pnl=Decimal(0), currency="USD",
    )  # fmt: skip
    account.apply(
        PortfolioUpdated(
            event_id="u", occurred_at=0, portfolio_id="p", version=1, ts=1, currency="USD", cash={"USD": Decimal(90)},
            positions=(position,), equity=Decimal(100), realized_pnl=Decimal(0), unrealized_pnl=Decimal(0),
            fees=Decimal(0),
        )
    )  # fmt: skip
    before = await reaches(account, 1)
    fill = OrderFilled(
        **COMMON, event_id="f", trade_id="t", venue="v", account="a", order_id="o", intent_id="i", side=Side.BUY,
        quantity=Decimal(2), price=Decimal(5), fee=Decimal(0), fee_currency="USD", liquidity=Liquidity.TAKER, ts=1,
        portfolio_version=1,
    )  # fmt: skip
    account.apply(fill)

    assert (before, await reaches(account, 1)) == (False, True)
    assert account.view.position("X:A") == 2


async def test_events_of_other_portfolios_and_deployments_are_passed_over(account):
    account.sent([order("i")])
    account.apply(updated("i", OrderState.ACCEPTED, portfolio_id="q"))
    account.apply(updated("i", OrderState.ACCEPTED, deployment_id="e"))

    assert not await reaches(account)


def fill(trade, side, version):
    values = {"venue": "v", "account": "p", "order_id": "o", "intent_id": "i", "fee_currency": "USD", "ts": 1}
    facts = {"quantity": Decimal(1), "price": Decimal(10), "fee": Decimal(0), "realized_pnl": Decimal(0)}
    return OrderFilled(
        **COMMON,
        **values,
        **facts,
        event_id=trade,
        trade_id=trade,
        side=side,
        liquidity=Liquidity.TAKER,
        portfolio_version=version,
    )


async def test_fills_of_a_round_trip_are_told_though_the_portfolio_is_seen_first(account):
    flat = {"positions": (), "currency": "USD", "cash": {"USD": Decimal(100)}, "ts": 1}
    money = dict.fromkeys(("equity", "realized_pnl", "unrealized_pnl", "fees"), Decimal(0))
    account.apply(PortfolioUpdated(event_id="e", occurred_at=0, portfolio_id="p", version=2, **flat, **money))
    assert account.view.version == 2
    assert not await reaches(account, 2)
    bought, sold = fill("1", Side.BUY, 1), fill("2", Side.SELL, 2)
    account.apply(bought)
    account.apply(sold)
    assert [call.args[0] for call in account._host.on_fill.call_args_list] == [bought, sold]
    assert await reaches(account, 2)


def canceled_ahead(**changes):
    return updated("i", OrderState.CANCELED, cancel_decided_at=5, **changes)


async def test_cancel_that_the_strategy_has_yet_to_decide_again_is_not_shown_to_it(account):
    account.decided(4)
    account.apply(canceled_ahead())
    account._host.on_order.assert_not_called()
    account.decided(5)
    account._host.on_order.assert_called_once_with(canceled_ahead())


async def test_cancel_decided_again_is_settled_by_the_answer_that_came_before(account):
    account.apply(canceled_ahead())
    account.sent([cancel("k", "i")])
    account._host.on_order.assert_called_once_with(canceled_ahead())
    assert await reaches(account)


async def test_cancels_of_slices_before_the_checkpoint_are_shown_at_once(account):
    account.decided(5)
    account.apply(canceled_ahead())
    account._host.on_order.assert_called_once_with(canceled_ahead())
