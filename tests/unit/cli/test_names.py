from types import SimpleNamespace

import pytest

from millstream.cli.backend import Filter
from millstream.cli.names import checked, suggesting
from millstream.client.errors import PermissionDeniedError
from millstream.contracts.api.base import Problem
from millstream.contracts.errors import NotFoundError


class Platform:
    """Has one of each."""

    def __init__(self, *, may_look: bool = True) -> None:
        self.may_look = may_look

    def deployments(self):
        if not self.may_look:
            raise PermissionDeniedError(Problem(title="no", status=403, code="FORBIDDEN"))
        return [SimpleNamespace(deployment="sma_cross")]

    def deployment(self, name):
        if name != "sma_cross":
            raise NotFoundError("the API's own words", hint="GET /api/v1/deployments")

    def portfolios(self):
        return [SimpleNamespace(portfolio="cash_cow")]

    def portfolio(self, name):
        if name != "cash_cow":
            raise NotFoundError("the API's own words")

    def instruments(self):
        return ["SAMPLE:AAPL", "SIM:BTC/USDT"]


def test_a_symbol_becomes_its_key_and_known_names_stay():
    wanted = Filter(deployment="sma_cross", portfolio="cash_cow", instrument="aapl")
    assert checked(Platform(), wanted).instrument == "SAMPLE:AAPL"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        (Filter(deployment="sma_cros"), "Did you mean 'sma_cross'? `millstream deployments` lists"),
        (Filter(portfolio="cashcow"), "Did you mean 'cash_cow'? `millstream portfolio` lists"),
        (Filter(instrument="APPL"), "SAMPLE:AAPL"),
    ],
)
def test_a_mistyped_name_is_not_found_and_near_ones_are_offered(wanted, hint):
    with pytest.raises(NotFoundError) as refused:
        checked(Platform(), wanted)
    assert hint in refused.value.hint


def test_what_is_missing_of_a_known_deployment_is_told_as_it_is():
    with pytest.raises(NotFoundError, match="has not run yet"), suggesting(Platform(), Filter(deployment="sma_cross")):
        raise NotFoundError("it has not run yet")


def test_who_may_halt_but_not_look_is_still_told_that_nothing_was_found():
    with (
        pytest.raises(NotFoundError, match="own words"),
        suggesting(Platform(may_look=False), Filter(deployment="x")) as _,
    ):
        Platform().deployment("x")
