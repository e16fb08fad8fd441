from decimal import Decimal
from types import SimpleNamespace

import pytest
from support.fake_screen import FakeScreen

from millstream.client import ApiConflictError
from millstream.contracts.api.base import Problem
from millstream.contracts.errors import InputError
from millstream_dashboards.monitor.deploy_form import DeployForm
from millstream_dashboards.monitor.flatten import FlattenForm
from millstream_dashboards.monitor.limits_form import LimitsForm


class Gate:
    """A gateway with one deployment, whose configuration has a tag; remembers the commands."""

    def __init__(self) -> None:
        self.limits = {"max_order_qty": "10", "leverage": "3"}
        self.version = 1
        self.commands: list[tuple[str, dict]] = []
        self.result = SimpleNamespace(closing=())

    async def tagged(self, call):
        seen = SimpleNamespace(limits=dict(self.limits), on_lease_lost="cancel", currency="USD")
        return seen, f'"{self.version}"'

    async def call(self, call, *, match):
        if match != f'"{self.version}"':
            raise ApiConflictError(Problem(title="changed", status=412, code="PRECONDITION_FAILED"))
        self.commands.append((call.path, call.body))

    async def flatten(self, **given):
        self.commands.append(("flatten", given))
        return self.result

    async def create_deployment(self, **given):
        self.commands.append(("create", given))
        return SimpleNamespace()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def screen(gate) -> FakeScreen:
    return FakeScreen(
        gate,
        list_releases=[
            SimpleNamespace(ref="sma@1", strategy="Sma", instruments=("S:A",), timeframe="1d", parameters={"fast": 5})
        ],
        list_market_sessions=[SimpleNamespace(session="old", state="completed"),
                              SimpleNamespace(session="replay", state="running")],
    )  # fmt: skip


@pytest.fixture
async def limits(screen) -> LimitsForm:
    form = LimitsForm(screen)
    form.of("sma")
    await form._opened(None)
    return form


async def test_saving_limits_asks_with_the_changes_and_sends_only_those(limits, gate, screen):
    assert limits._fields["max_order_qty"].value == "10"
    limits._fields["max_order_qty"].value = "7.5"
    assert "Largest order, quantity: 10 → 7.5" in limits._question()
    await limits._do_save()
    assert gate.commands == [("/api/v1/deployments/sma", b'{"limits":{"max_order_qty":"7.5"}}')]
    assert not limits._form.visible
    assert screen.notices.said


async def test_a_change_by_somebody_else_is_shown_and_what_was_typed_stays(limits, gate, screen):
    limits._fields["max_order_qty"].value = "7"
    limits._question()
    gate.limits |= {"leverage": "2"}
    gate.version = 2
    await limits._do_save()
    assert gate.commands == []
    assert "Somebody else changed" in str(screen.notices.errors[0])
    assert "Leverage: 2" in limits._seen.object
    assert (limits._fields["max_order_qty"].value, limits._fields["leverage"].value) == ("7", "2")
    limits._question()
    await limits._do_save()
    assert gate.commands == [("/api/v1/deployments/sma", b'{"limits":{"max_order_qty":"7"}}')]


@pytest.mark.parametrize("text", ["10", "many"])
async def test_nothing_changed_and_what_is_no_number_are_told_and_not_sent(limits, gate, screen, text):
    limits._fields["max_order_qty"].value = text
    limits._question()
    await limits._do_save()
    assert gate.commands == []
    assert isinstance(screen.notices.errors[0], InputError)
    assert screen.notices.errors[0].hint
    assert limits._form.visible


async def test_another_deployment_closes_the_form(limits):
    limits.of("sma")
    assert limits._form.visible
    limits.of("other")
    assert not limits._form.visible


def position(instrument: str, quantity: int = 5) -> SimpleNamespace:
    return SimpleNamespace(deployment="sma", instrument=instrument, quantity=Decimal(quantity))


async def nothing() -> None:
    """No page to load."""


async def test_flattening_closes_what_was_asked_about_though_the_list_moved_on(gate, screen):
    form = FlattenForm(screen, nothing)
    form.show([position("S:A"), position("S:B", -2)])
    assert list(form._what.options) == ["sma · S:A · +5", "sma · S:B · -2", "sma · all 2 positions"]
    form._what.value = ("sma", "S:B")
    assert "S:B" in form._question()
    form.show([position("S:A")])
    await form._do_flatten()
    assert gate.commands == [("flatten", {"deployment": "sma", "instrument": "S:B", "confirm": True})]


async def test_a_refused_close_is_told_with_its_reason(gate, screen):
    gate.result = SimpleNamespace(
        closing=(SimpleNamespace(rejection=SimpleNamespace(code="HALTED", message="stopped")),)
    )
    form = FlattenForm(screen, nothing)
    form.show([position("S:A")])
    form._question()
    await form._do_flatten()
    assert "HALTED: stopped" in str(screen.notices.errors[0])
    assert screen.notices.said == []


def test_nothing_held_offers_nothing_to_close(screen):
    form = FlattenForm(screen, nothing)
    form.show([])
    assert not form.view.visible


async def test_a_deployment_is_made_of_what_the_form_says(gate, screen):
    form = DeployForm(screen, nothing)
    await form._opened(None)
    assert list(form._session.options.values()) == ["*", "replay"]
    assert "fast=5" in form._facts.object
    form._name.value, form._capital.value, form._session.value = "mine", "5000", "replay"
    assert form._question() == "Deploy sma@1 to Paper with a capital of 5000?"
    form._capital.value = "9000"  # typed after the question: not what was agreed to
    await form._do_make()
    [(_, given)] = gate.commands
    assert given == {
        "release": "sma@1", "name": "mine", "target": "paper", "on_lease_lost": "cancel", "start": True,
        "capital": Decimal(5000), "session": "replay",
    }  # fmt: skip
    assert not form._form.visible


async def test_a_form_with_a_wrong_capital_is_not_sent_and_keeps_its_fields(gate, screen):
    form = DeployForm(screen, nothing)
    await form._opened(None)
    form._name.value, form._capital.value = "mine", "a lot"
    form._question()
    await form._do_make()
    assert gate.commands == []
    assert "a lot" in str(screen.notices.errors[0])
    assert (form._name.value, form._form.visible) == ("mine", True)
