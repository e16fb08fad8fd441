"""The parts of the desk as widgets, without a browser: what is shown, to whom, and what a click sends."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest

from millstream.client import ApiConflictError, GatewayUnreachableError
from millstream.contracts.api.base import Problem
from millstream.contracts.api.identity import Me, Permission, Role
from millstream.contracts.api.promotion import Deployment
from millstream.contracts.api.trading import FlattenResult, Halt, HaltResult, Order, Position, Rejection, TicketResult
from millstream.contracts.clock import ManualClock
from millstream_dashboards.trader.blotter import Blotter
from millstream_dashboards.trader.book import READS, STALE, Book, read
from millstream_dashboards.trader.deployments import Deployments
from millstream_dashboards.trader.desk import Desk
from millstream_dashboards.trader.halts import Halts
from millstream_dashboards.trader.positions import Positions
from millstream_dashboards.trader.screen import Screen
from millstream_dashboards.trader.settings import DeploymentSettings
from millstream_dashboards.trader.ticket import TicketForm

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TRADER = (Permission.SELF, Permission.READ, Permission.TRADE, Permission.HALT, Permission.DEPLOY)
VIEWER = (Permission.SELF, Permission.READ)


def deployment(name: str = "sma", **given: Any) -> Deployment:
    fields = {
        "deployment": name, "release": "sma@1", "strategy": "Sma", "target": "paper", "portfolio": name, "session": "s",
        "instruments": ("SAMPLE:AAPL",), "timeframe": "1d", "parameters": {"fast": 20, "short": False, "size": 0.5},
        "limits": {"max_order_qty": "10"}, "on_lease_lost": "cancel", "desired_state": "running", "state": "running",
        "epoch": 1, "author": "rita", "created_at": NOW, "currency": "USD", "initial_cash": 1, "equity": 1,
        "realized_pnl": 1, "unrealized_pnl": 1, "fees": 0,
    }  # fmt: skip
    return Deployment(**{**fields, **given})


def order(**given: Any) -> Order:
    fields = {
        "order": "o1", "intent": "i", "deployment": "sma", "portfolio": "sma", "instrument": "SAMPLE:AAPL",
        "session": "s", "target": "paper", "side": "buy", "order_type": "limit", "quantity": 5, "filled": 0,
        "limit_price": 150, "state": "accepted", "decided_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Order(**{**fields, **given})


def position(**given: Any) -> Position:
    fields = {
        "portfolio": "sma", "deployment": "sma", "instrument": "SAMPLE:AAPL", "session": "s", "target": "paper",
        "quantity": 10, "average_price": 180, "mark": 190, "stop_price": 170, "realized_pnl": 0, "unrealized_pnl": 100,
        "fees": 0, "currency": "USD", "updated_at": NOW,
    }  # fmt: skip
    return Position(**{**fields, **given})


class Client:
    """Notes what is called; ``answers`` by method."""

    def __init__(self, **answers: Any) -> None:
        self.called: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, name: str):
        async def method(*args: Any, **kwargs: Any) -> Any:
            self.called.append((name, args, kwargs))
            answer = self._answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return method


def screen(client: Client | None = None, permissions=TRADER, language: str = "en") -> Screen:
    me = Me(user="tom", name="Tom", role=Role.TRADER, permissions=permissions, language=language)
    return Screen(me, client or Client(), lambda: None, ManualClock())


def widgets(root: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    found = [root]
    for child in getattr(root, "children", ()):
        found += widgets(child)
    return found


def click(root: ipywidgets.Widget, text: str) -> None:
    next(one for one in widgets(root) if isinstance(one, ipywidgets.Button) and one.description == text).click()


def shown(root: ipywidgets.Widget) -> str:
    return " ".join(one.value for one in widgets(root) if isinstance(one, ipywidgets.HTML))


async def settle(made: Screen) -> None:
    await asyncio.gather(*made._running)


@pytest.mark.parametrize("part", [Positions, Deployments, Blotter, Halts, DeploymentSettings])
async def test_a_viewer_has_no_button_at_all(part):
    made = part(screen(permissions=VIEWER))
    halt = Halt(scope="global", state="halted", actor="a", reason="r", changed_at=NOW)
    made.show(Book(deployments=(deployment(),), positions=(position(),), working=(order(),), halts=(halt,)))
    buttons = [one for one in widgets(made.view) if isinstance(one, ipywidgets.Button)]
    assert [one.description for one in buttons if one.layout.display != "none"] == []


async def test_flatten_is_sent_only_after_it_was_confirmed():
    client = Client(flatten=FlattenResult(closing=(), canceling=("o1",)))
    desk = screen(client)
    part = Positions(desk)
    part.show(Book(positions=(position(),)))
    click(part.view, "Flatten")
    assert desk.confirm.view.layout.display != "none"
    click(desk.confirm.view, "Keep as it is")
    assert client.called == []
    click(part.view, "Flatten")
    click(desk.confirm.view, "Confirm")
    await settle(desk)
    assert client.called == [("flatten", (), {"deployment": "sma", "instrument": "SAMPLE:AAPL", "confirm": True})]
    assert "orders being canceled: 1" in desk.notices.view.value


async def test_a_halt_needs_a_reason():
    halt = Halt(scope="global", state="halted", actor="tom", reason="r", changed_at=NOW)
    client = Client(halt=HaltResult(halt=halt, sealed=True))
    desk = screen(client)
    part = Halts(desk)
    click(part.view, "Halt trading")
    click(desk.confirm.view, "Confirm")
    assert client.called == []
    desk.confirm._reason.value = "too wild"
    click(desk.confirm.view, "Confirm")
    await settle(desk)
    assert client.called == [("halt", (), {"scope": "global", "scope_id": "", "reason": "too wild"})]


async def test_a_ticket_that_risk_refuses_shows_the_rule_and_its_numbers():
    rejection = Rejection(
        intent="i", deployment="sma", portfolio="sma", instrument="X", stage=1, code="MAX_ORDER_QTY", scope="s",
        observed="5000", limit="1000", message="too many", time=NOW,
    )  # fmt: skip
    client = Client(place_order=TicketResult(intent="i", rejection=rejection))
    desk = screen(client)
    form = TicketForm(desk)
    form.show(Book(deployments=(deployment(),)))
    form._quantity.value = "5000"
    click(form.view, "Send order")
    await settle(desk)
    [(_, (ticket,), _)] = client.called
    assert (ticket.deployment, ticket.instrument, ticket.quantity) == ("sma", "SAMPLE:AAPL", Decimal(5000))
    assert "MAX_ORDER_QTY" in desk.notices.view.value
    assert "1000" in desk.notices.view.value


async def test_a_live_ticket_is_asked_for_once_more():
    client = Client(place_order=TicketResult(intent="i", order=order()))
    desk = screen(client)
    desk.target = "live"
    form = TicketForm(desk)
    form.show(Book(deployments=(deployment(),)))
    form._quantity.value = "1"
    click(form.view, "Send order")
    assert client.called == []
    click(desk.confirm.view, "Confirm")
    await settle(desk)
    assert len(client.called) == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "1,000"),
        ("de", "1.000"),
        ("de", "1.000,5"),
        ("fr", "1 000"),
        ("en", "0"),
        ("en", "-1"),
        ("en", "NaN"),
        ("en", ""),
    ],
)
async def test_a_quantity_that_can_be_read_in_two_ways_or_is_none_sends_nothing(language: str, text: str):
    client = Client()
    desk = screen(client, language=language)
    form = TicketForm(desk)
    form.show(Book(deployments=(deployment(),)))
    form._quantity.value = text
    form._sent()
    assert client.called == []
    assert "role" in form._fault.value


async def test_decimals_are_written_as_the_viewers_language_does():
    client = Client(place_order=TicketResult(intent="i", order=order()))
    desk = screen(client, language="de")
    form = TicketForm(desk)
    form.show(Book(deployments=(deployment(),)))
    form._quantity.value = "0,5"
    form._sent()
    await settle(desk)
    assert client.called[0][1][0].quantity == Decimal("0.5")


async def test_an_error_of_the_gateway_is_shown_with_what_to_do():
    refused = ApiConflictError(
        Problem(title="Taken", status=409, detail="it already runs", code="CONFLICT", hint="Stop it.")
    )
    desk = screen(Client(start_deployment=refused))
    part = Deployments(desk)
    part.show(Book(deployments=(deployment(desired_state="stopped", state="stopped"),)))
    click(part.view, "Start")
    await settle(desk)
    assert "it already runs" in desk.notices.view.value
    assert "Stop it." in desk.notices.view.value


async def test_an_order_is_canceled_from_its_row_and_the_row_stays_the_same_widget():
    client = Client(cancel_order=order(state="pending_cancel"))
    desk = screen(client)
    part = Blotter(desk)
    part.show(Book(working=(order(),)))
    before = part._working.view.children
    part.show(Book(working=(order(filled=2),)))
    assert part._working.view.children == before
    click(part.view, "Cancel")
    await settle(desk)
    assert client.called == [("cancel_order", (), {"order": "o1"})]
    part.show(Book())
    assert "No working order" in shown(part.view)


async def test_parameters_cannot_be_changed_and_limits_only_by_those_who_may():
    part = DeploymentSettings(screen())
    part.show(Book(deployments=(deployment(),)))
    fields = [
        one for one in widgets(part.view) if hasattr(one, "disabled") and one.description in {"fast", "short", "size"}
    ]
    assert [type(one).__name__ for one in fields] == ["IntText", "Checkbox", "FloatText"]
    assert all(one.disabled for one in fields)
    assert part._limits["max_order_qty"].disabled

    client = Client(change_deployment=deployment())
    desk = screen(client, permissions=(*VIEWER, Permission.LIMITS))
    part = DeploymentSettings(desk)
    part.show(Book(deployments=(deployment(),)))
    part._limits["max_order_qty"].value = "20"
    part._saved()
    await settle(desk)
    assert client.called == [("change_deployment", ("sma",), {"limits": {"max_order_qty": "20"}})]


async def test_text_from_elsewhere_is_escaped():
    part = Deployments(screen())
    part.show(Book(deployments=(deployment("<img src=x onerror=alert(1)>"),)))
    assert "<img" not in shown(part.view)


def test_paper_and_live_are_never_shown_as_one():
    book = Book(
        deployments=(deployment("a"), deployment("b", target="live")),
        positions=(position(), position(target="live", deployment="b")),
        working=(order(), order(target="live")),
    )
    for target in ("paper", "live"):
        part = book.of(target)
        assert {one.target for one in (*part.deployments, *part.positions, *part.working)} == {target}


def test_every_event_makes_known_lists_stale():
    assert {name for names in STALE.values() for name in names} <= READS.keys()


async def test_the_desk_reads_everything_once_it_is_linked():
    class Page(SimpleNamespace):
        items: tuple[Any, ...] = ()

    answers = {f"list_{name}": Page(items=()) for name in READS} | {"list_orders": Page(items=())}
    client = Client(**answers)
    desk = Desk(Me(user="t", name="T", role=Role.TRADER, permissions=TRADER), client)
    desk._linked(True)
    await desk._take(read(client, Book(), READS), READS)
    assert len(client.called) == len(READS)
    assert "No open position" in shown(desk.view)


async def test_what_could_not_be_read_is_said_and_read_again():
    async def away() -> Book:
        raise GatewayUnreachableError("there", "gone")

    desk = Desk(Me(user="t", name="T", role=Role.TRADER, permissions=TRADER), Client())
    await desk._take(away(), {"orders", "fills"})
    assert "there does not answer" in shown(desk.view)
    assert desk._stale == {"orders", "fills"}
