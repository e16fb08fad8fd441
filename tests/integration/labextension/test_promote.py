"""Promotion from the notebook's toolbar: save, inspect, ask, follow; nothing typed is lost."""

import itertools
import json

import pytest
from playwright.sync_api import expect
from support.labextension import run
from support.labextension_world import VIEWER, me
from support.screens import faults

PARAMETERS = [
    {"name": "symbol", "kind": "str", "default": "AAPL"},
    {"name": "fast", "kind": "int", "default": 20},
    {"name": "scale", "kind": "float", "default": 0.5},
    {"name": "short", "kind": "bool", "default": False},
]
INSPECTION = {"notebook": "as the gateway writes it", "name": "sma_cross", "parameters": PARAMETERS, "warnings": []}
OPERATION = {
    "operation_id": "op-1",
    "kind": "promotion",
    "state": "running",
    "steps": ["inspected"],
    "result": None,
    "problem": None,
    "created_at": "2026-01-05T12:00:00Z",
    "finished_at": None,
}
BUTTON = '.jp-NotebookPanel-toolbar [data-jp-item-name="millstream-promote"]'


NUMBERS = itertools.count()


@pytest.fixture
def path(told):
    """A strategy that no test typed anything for."""
    path = told.workspace / f"strategy_{next(NUMBERS)}.ipynb"
    (told.workspace / "sma_cross.ipynb").rename(path)
    return path


@pytest.fixture
def notebook(told, screen, path):
    """The strategy, open in JupyterLab."""
    told.tell(answers={"notebooks": INSPECTION, "POST promotions": OPERATION, "operations/op-1": OPERATION})
    # Without a kernel: nothing here executes a cell.
    kernel = {"shouldStart": False, "canStart": False, "autoStartDefault": False}
    run(screen, "docmanager:open", path=path.name, factory="Notebook", kernelPreference=kernel)
    expect(screen.locator(BUTTON)).to_be_visible()
    return screen


@pytest.fixture
def form(notebook):
    notebook.locator(BUTTON).click()
    dialog = notebook.get_by_role("dialog")
    expect(dialog.get_by_label("fast")).to_be_visible()
    return dialog


def send(form):
    form.get_by_role("button", name="Promote").click()


def promotions(told):
    return [one["body"] for one in told.commands() if one["path"] == "promotions"]


def test_form_asks_for_each_parameter_with_its_default(notebook, form):
    expect(form.get_by_label("symbol")).to_have_value("AAPL")
    expect(form.get_by_label("fast")).to_have_value("20")
    expect(form.get_by_label("scale")).to_have_value("0.5")
    expect(form.get_by_role("checkbox", name="short")).not_to_be_checked()
    expect(form.get_by_label("Target")).to_have_value("paper")
    assert form.locator("option[value=live]").get_attribute("disabled") is not None
    assert faults(notebook, ".jp-Dialog") == []


def test_promotion_sends_what_differs_and_follows_its_steps(told, path, notebook, form):
    form.get_by_label("fast").fill("10")
    form.get_by_role("checkbox", name="short").check()
    form.get_by_label("Capital").fill("25000.50")
    form.get_by_label("Limits").fill('{"max_order_notional": 5000}')
    send(form)
    steps = notebook.locator(".ms-Steps")
    expect(steps).to_contain_text("inspected")
    told.tell(answers={"operations/op-1": OPERATION | {"steps": ["inspected", "backtested"]}})
    expect(steps.locator(".ms-mod-now")).to_have_text("backtested")
    done = {"state": "done", "steps": ["inspected", "backtested"], "result": {"deployment": "sma_cross"}}
    told.tell(answers={"operations/op-1": OPERATION | done})
    notebook.get_by_role("button", name="Show the deployment sma_cross").click()
    expect(notebook.locator('[data-deployment="sma_cross"]')).to_be_focused()
    assert promotions(told) == [
        {
            "notebook": path.name,
            "target": "paper",
            "capital": "25000.50",
            "name": "",
            "limits": {"max_order_notional": 5000},
            "parameters": {"fast": 10, "short": True},
        }
    ]


def test_notebook_is_saved_before_it_is_promoted(path, notebook):
    notebook.evaluate(
        "async () => { const panel = window.jupyterapp.shell.currentWidget;"
        " await panel.context.ready;"  # what is changed before is overwritten by what was loaded
        " panel.content.model.setMetadata('desk', 'three'); }"
    )
    notebook.locator(BUTTON).click()
    expect(notebook.get_by_role("dialog").get_by_label("fast")).to_be_visible()
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["metadata"]["desk"] == "three"


def test_wrong_values_are_said_beside_their_fields_and_nothing_is_sent(told, form):
    form.get_by_label("fast").fill("ten")
    form.get_by_label("Capital").fill("-5")
    form.get_by_label("Limits").fill("[1]")
    send(form)
    expect(form.locator("#ms-field-parameters\\.fast-about")).to_have_text("This takes a whole number, such as 20.")
    expect(form.locator("#ms-field-capital-about")).to_contain_text("above zero")
    expect(form.locator("#ms-field-limits-about")).to_contain_text("JSON object")
    expect(form.get_by_label("Capital")).to_be_focused()
    assert promotions(told) == []


def test_refusal_of_the_gateway_stands_beside_its_field_with_the_near_match(told, form):
    refusal = {
        "status": 422,
        "code": "INVALID_INPUT",
        "title": "Invalid input",
        "faults": [{"where": "body.limits.max_order_notionl", "message": "Did you mean max_order_notional?"}],
    }
    told.tell(refusals={"promotions": refusal})
    form.get_by_label("Limits").fill('{"max_order_notionl": 5}')
    send(form)
    expect(form.locator("#ms-field-limits-about")).to_contain_text("Did you mean max_order_notional?")
    told.tell(accept=["promotions"])
    form.get_by_label("Limits").fill('{"max_order_notional": 5}')
    send(form)
    expect(form).to_have_count(0)
    assert len(promotions(told)) == 2


def test_what_was_typed_survives_a_closed_dialog(notebook, form):
    form.get_by_label("fast").fill("11")
    form.get_by_role("button", name="Cancel").click()
    notebook.locator(BUTTON).click()
    expect(notebook.get_by_role("dialog").get_by_label("fast")).to_have_value("11")


def test_failed_promotion_says_why_and_offers_the_same_form_again(told, notebook, form):
    problem = {
        "type": "about:blank",
        "title": "Not promoted",
        "status": 422,
        "detail": "the parameter fast = 90 is not below slow",
        "code": "INVALID_INPUT",
        "hint": "Give a smaller one.",
        "instance": "",
        "faults": [],
    }
    told.tell(answers={"operations/op-1": OPERATION | {"state": "failed", "problem": problem}})
    form.get_by_label("fast").fill("90")
    send(form)
    notebook.get_by_role("button", name="Change and try again…").click()
    again = notebook.get_by_role("dialog")
    expect(again.get_by_label("fast")).to_have_value("90")
    expect(again.locator("#ms-field-parameters\\.fast-about")).to_contain_text("Give a smaller one.")


def test_lost_answer_is_sent_again_with_the_same_key(told, form):
    told.tell(refusals={"promotions": {"status": 503, "code": "UNREACHABLE", "title": "Away", "hint": "Try again."}})
    send(form)
    expect(form.locator(".ms-mod-error")).to_contain_text("Try again.")
    told.tell(accept=["promotions"])
    send(form)
    expect(form).to_have_count(0)
    first, second = (one["key"] for one in told.commands())
    assert first == second


def test_notebook_that_is_no_strategy_says_what_is_missing(told, notebook):
    refusal = {
        "status": 422,
        "code": "INVALID_INPUT",
        "title": "Invalid input",
        "detail": "the notebook has no parameters cell",
        "hint": "Tag the cell.",
    }
    told.tell(refusals={"notebooks": refusal})
    notebook.locator(BUTTON).click()
    expect(notebook.get_by_role("dialog")).to_contain_text("the notebook has no parameters cell. Tag the cell.")


def test_viewer_has_no_promote_button(told, notebook):
    told.tell(answers={"me": me(VIEWER, "viewer")})
    expect(notebook.locator(BUTTON)).to_be_hidden()
