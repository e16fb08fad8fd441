"""The commands' questions as requests of the API, and its answers as theirs."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from millstream.cli.backend import Filter, Wish
from millstream.cli.remote import Remote
from millstream.client import Client, PermissionDeniedError
from millstream.contracts.api.trading import Flatten, HaltRequest
from millstream.contracts.enums import ScopeKind
from millstream.contracts.errors import InputError

NOW = "2013-03-01T00:00:00Z"
DEPLOYMENT = {
    "deployment": "sma_cross", "release": "sma_cross@1", "strategy": "SmaCross", "target": "paper",
    "portfolio": "sma_cross", "session": "", "instruments": ["SAMPLE:AAPL"], "timeframe": "1d", "parameters": {},
    "limits": {}, "on_lease_lost": "cancel", "desired_state": "running", "state": "running", "epoch": 1,
    "author": "ann", "created_at": NOW, "currency": "USD", "initial_cash": "100000", "equity": "99900.5",
    "realized_pnl": "-120", "unrealized_pnl": "25.5", "fees": "5",
}  # fmt: skip
RUNNING = {"operation_id": "op1", "kind": "promotion", "state": "running", "created_at": NOW}


def order(number: int) -> dict[str, Any]:
    return {
        "order": f"o{number}", "intent": f"i{number}", "deployment": "sma_cross", "portfolio": "sma_cross",
        "instrument": "SAMPLE:AAPL", "session": "", "target": "paper", "side": "buy", "order_type": "market",
        "quantity": "1", "filled": "0", "state": "accepted", "decided_at": NOW, "updated_at": NOW,
    }  # fmt: skip


class Api:
    """Prepared answers by ``METHOD /path`` (behind ``/api/v1``), one after the other, the last one again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        known = self.answers[f"{request.method} {request.url.path.removeprefix('/api/v1')}"]
        found = known.pop(0) if len(known) > 1 else known[0]
        return found if isinstance(found, httpx.Response) else httpx.Response(200, content=json.dumps(found))

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.content]


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def remote(api) -> Iterator[Remote]:
    with Client("http://gateway", "t", waits=(), transport=httpx.MockTransport(api)) as client:
        yield Remote(client)


def test_the_newest_orders_are_asked_for_page_after_page_until_there_are_enough(remote, api):
    first = {"items": [order(number) for number in range(1000)], "next": "c"}
    api.answers["GET /orders"] = [first, {"items": [order(1000), order(1001)], "next": "d"}]
    found = remote.orders(Filter(deployment="sma_cross"), 1001)
    assert [found[0].order, found[-1].order, len(found)] == ["o0", "o1000", 1001]
    asked = [dict(request.url.params) for request in api.requests]
    assert asked == [
        {"deployment": "sma_cross", "limit": "1000"},
        {"deployment": "sma_cross", "limit": "1000", "cursor": "c"},
    ]


def test_promotion_is_followed_step_by_step_to_its_deployment(remote, api):
    parameters = [
        {"name": "fast", "kind": "int", "default": 10},
        {"name": "symbols", "kind": "list", "default": ["A"], "element": "str"},
        {"name": "stop", "kind": "float", "default": None, "optional": True},
    ]
    api.answers = {
        "GET /notebooks": [{"notebook": "a.ipynb", "name": "a", "parameters": parameters}],
        "POST /promotions": [{**RUNNING, "steps": ["inspect: a.ipynb"]}],
        "GET /operations/op1": [
            {**RUNNING, "steps": ["inspect: a.ipynb", "warning: a: colon"], "state": "done", "result": DEPLOYMENT}
        ],
    }
    steps: list[tuple[str, str]] = []
    assignments = ("fast=5", "symbols=1,2", "stop=null")
    wish = Wish(notebook="a.ipynb", capital=Decimal(500), assignments=assignments)
    made = remote.promote(wish, lambda name, text: steps.append((name, text)))
    assert made.equity == Decimal("99900.5")
    assert steps == [("inspect", "a.ipynb"), ("warning", "a: colon")]
    [body] = api.bodies
    assert body["parameters"] == {"fast": 5, "symbols": ["1", "2"], "stop": None}
    assert (body["notebook"], body["capital"], body["target"]) == ("a.ipynb", "500", "paper")


def test_a_parameter_that_the_notebook_has_not_is_refused_before_the_promotion(remote, api):
    parameters = [{"name": "fast", "kind": "int", "default": 10}]
    api.answers["GET /notebooks"] = [{"notebook": "a.ipynb", "name": "a", "parameters": parameters}]
    with pytest.raises(InputError) as refused:
        remote.promote(Wish(notebook="a.ipynb", capital=Decimal(1), assignments=("fsat=1",)), print)
    assert "Did you mean 'fast'?" in refused.value.hint
    assert api.bodies == []


def test_a_failed_promotion_raises_its_problem(remote, api):
    problem = {"title": "x", "status": 422, "code": "INVALID_INPUT", "detail": "no strategy", "hint": "Add one."}
    api.answers["POST /promotions"] = [{**RUNNING, "state": "failed", "problem": problem}]
    with pytest.raises(InputError, match="no strategy"):
        remote.promote(Wish(notebook="a.ipynb", capital=Decimal(1)), print)


def test_commands_are_sent_as_the_api_takes_them(remote, api):
    halt = {"scope": "global", "state": "halted", "actor": "ann", "reason": "r", "changed_at": NOW}
    api.answers = {
        "POST /halts": [{"halt": halt, "sealed": True, "working": ["o1"]}],
        "POST /flatten": [{"closing": [], "canceling": ["o1"]}],
        "DELETE /orders/o1": [order(1)],
        "POST /deployments/sma_cross/pause": [DEPLOYMENT],
    }
    assert remote.halt(HaltRequest(scope=ScopeKind.GLOBAL, reason="r")).sealed
    assert remote.flatten(Flatten(deployment="sma_cross", confirm=True)).canceling == ("o1",)
    assert remote.cancel("o1").order == "o1"
    assert remote.pause("sma_cross").deployment == "sma_cross"
    assert api.bodies[0] == {"scope": "global", "reason": "r"}
    assert all(request.headers["Idempotency-Key"] for request in api.requests)


def test_a_refusal_is_an_input_error_with_what_to_do(remote, api):
    body = {"title": "t", "status": 403, "code": "FORBIDDEN", "detail": "not you", "hint": "Ask an admin."}
    api.answers["POST /halts"] = [httpx.Response(403, content=json.dumps(body))]
    with pytest.raises(PermissionDeniedError) as refused:
        remote.halt(HaltRequest(scope=ScopeKind.GLOBAL, reason="r"))
    assert (refused.value.exit_code, refused.value.hint) == (2, "Ask an admin.")
