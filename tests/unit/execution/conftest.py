"""A position with both protective legs."""

from decimal import Decimal

import pytest
from support.trading import CAPITAL, DEPLOYMENT, INSTRUMENT, KEY, PORTFOLIO, SESSION, order, slice_of

from millstream.contracts.enums import Side
from millstream.execution.in_process import InProcessTrading, paper_account
from millstream.risk.limits import paper_defaults
from millstream.risk.view import DeploymentState


def day(market, number, prices):
    return [item for event in slice_of(number, prices) for item in market.market(event)]


@pytest.fixture
def protected():
    """(market, day): 10 bought at 100 with a stop at 95 and a profit target at 110."""
    deployment = DeploymentState(
        deployment_id=DEPLOYMENT,
        portfolio_id=PORTFOLIO,
        session=SESSION,
        epoch=1,
        instruments=frozenset([KEY]),
        limits=paper_defaults(CAPITAL),
    )
    market = InProcessTrading(paper_account([INSTRUMENT], deployment, capital=CAPITAL, currency="USD"))
    day(market, 10, (100, 101, 99, 100))
    market.intent(order(11, Side.BUY, 10, stop_loss=Decimal("0.05"), take_profit=Decimal("0.10")))
    day(market, 11, (100, 101, 99, 100))
    return market, day
