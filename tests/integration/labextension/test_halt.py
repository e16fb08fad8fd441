"""The halt in the status bar: state at a glance, scope, reason and confirmation before anything is sent."""

import pytest
from playwright.sync_api import expect
from support.labextension_world import VIEWER, halted, me, page
from support.screens import faults

RESULT = {"halt": halted(), "sealed": True, "working": ["o-1", "o-2"]}


@pytest.fixture
def form(told, screen):
    told.tell(answers={"POST halts": RESULT})
    screen.get_by_role("button", name="Trading: active. Halt trading…").click()
    return screen.get_by_role("dialog")


def press(form, name):
    form.get_by_role("button", name=name, exact=True).click()


def test_halt_is_sent_with_scope_and_reason_after_confirmation(told, screen, form):
    form.get_by_label("What to halt").select_option("deployment")
    form.get_by_label("Deployment", exact=True).fill("sma_cross")
    form.get_by_label("Reason").fill("odd fills")
    form.get_by_role("checkbox", name="Yes, refuse new orders").check()
    press(form, "Halt")
    expect(form).to_have_count(0)
    body = {"scope": "deployment", "scope_id": "sma_cross", "reason": "odd fills", "reduce_only": False}
    assert [(one["path"], one["body"]) for one in told.commands()] == [("halts", body)]
    expect(screen.locator(".Toastify__toast")).to_contain_text("2 working orders are being canceled")


def test_halt_without_reason_or_confirmation_sends_nothing(told, form):
    press(form, "Halt")
    expect(form).to_contain_text("Say why")
    expect(form).to_contain_text("Confirm this first.")
    assert told.commands() == []


def test_form_has_no_serious_accessibility_fault(screen, form):
    press(form, "Halt")
    expect(form).to_contain_text("Say why")
    assert faults(screen, ".jp-Dialog") == []


def test_another_scope_takes_the_confirmation_back(form):
    box = form.get_by_role("checkbox", name="Yes,")
    box.check()
    form.get_by_label("What to halt").select_option("portfolio")
    expect(box).not_to_be_checked()


def test_known_scopes_are_suggested(screen, form):
    form.get_by_label("What to halt").select_option("portfolio")
    options = form.locator("datalist option")
    expect(options).to_have_count(2)
    assert [one.get_attribute("value") for one in options.all()] == ["breakout-book", "sma_cross-book"]


def test_refused_halt_keeps_the_form(told, form):
    told.tell(refusals={"halts": {"status": 503, "code": "NOT_SEALED", "title": "Not sealed", "hint": "Try again."}})
    form.get_by_label("Reason").fill("odd fills")
    form.get_by_role("checkbox", name="Yes,").check()
    press(form, "Halt")
    expect(form.locator(".ms-mod-error")).to_contain_text("Not sealed. Try again.")
    expect(form.get_by_label("Reason")).to_have_value("odd fills")


def test_global_halt_shows_and_is_resumed(told, screen):
    told.tell(answers={"halts": page([halted()])})
    screen.get_by_role("button", name="Trading: HALTED. Resume trading…").click()
    form = screen.get_by_role("dialog")
    form.get_by_label("Reason").fill("checked")
    form.get_by_role("checkbox", name="Yes, allow trading again").check()
    told.tell(answers={"halts": page([])})
    press(form, "Resume")
    expect(form).to_have_count(0)
    assert told.commands()[0]["body"] == {"scope": "global", "scope_id": "", "reason": "checked"}
    expect(screen.locator(".ms-TradingState-item")).to_have_text("Trading: active")


def test_viewer_sees_the_state_and_no_button(told, screen):
    told.tell(answers={"me": me(VIEWER, "viewer"), "halts": page([halted()])})
    expect(screen.locator("span.ms-TradingState-item")).to_have_text("Trading: HALTED")
    expect(screen.locator("button.ms-TradingState-item")).to_have_count(0)
