import pytest
from unit.kernel_ext.conftest import DEPLOYMENT, NOW, problem

from millstream_kernel import magics
from millstream_kernel.magics import researching

HALT = {"scope": "deployment", "scope_id": "sma", "state": "halted", "actor": "ann", "reason": "x", "changed_at": NOW}


@pytest.mark.parametrize("line", ["", "help", "--help"])
def test_without_a_command_every_command_is_listed(notebook, line):
    notebook.run(line)
    assert all(f"%ms {name}" in notebook.text for name in magics.COMMANDS)


def test_the_commands_of_the_order_are_there():
    wanted = "backtest sweep promote deployments status positions orders fills rejections portfolio risk releases start"
    wanted += " stop logs halt resume attach doctor"
    assert set(wanted.split()) <= set(magics.COMMANDS) | set(magics.ALIASES)


def test_help_of_a_command_lists_its_words(notebook):
    notebook.run("halt --help")
    assert "--reduce-only" in notebook.text
    assert notebook.gateway.requests == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("demo", "not offered"),
        ("halt --reason 'open", "cannot read"),
        ("orders --portfolo x", "Did you mean --portfolio?"),
        ("logs", "required: DEPLOYMENT"),
        ("halt --global --deployment a --reason x", "say what is meant, once"),
        ("halt --reason x", "say what is meant, once"),
        ("orders --limit many", "invalid int value"),
    ],
)
def test_a_line_that_cannot_run_says_why_and_what_to_do(notebook, line, says):
    notebook.run(line)
    assert says in notebook.text
    assert "what to do: " in notebook.text
    assert notebook.gateway.requests == []


def test_status_shows_deployments_with_coloured_and_signed_pnl(notebook):
    notebook.gateway.answers["GET /deployments"] = {"items": [DEPLOYMENT]}
    notebook.run("status")
    assert "sma_cross@1" in notebook.text
    assert "−99.50" in notebook.text
    assert 'color:var(--jp-error-color1, #c62828)">−99.50' in notebook.html


def test_what_the_gateway_says_is_escaped(notebook):
    evil = {**DEPLOYMENT, "message": "<script>alert(1)</script>", "state": "failed"}
    notebook.gateway.answers["GET /deployments/sma_cross"] = evil
    notebook.run("status sma_cross")
    assert "<script>" not in notebook.html
    assert "&lt;script&gt;" in notebook.html
    assert "<script>" in notebook.text


def test_json_is_one_document_on_standard_output(notebook, capsys):
    notebook.gateway.answers["GET /deployments"] = {"items": []}
    notebook.run("status --json")
    assert capsys.readouterr().out == "[]\n"


def test_an_empty_table_says_what_to_do(notebook):
    notebook.gateway.answers["GET /deployments"] = {"items": []}
    notebook.run("deployments")
    assert "%ms promote" in notebook.text


def test_rows_are_the_newest_ones_the_oldest_first_over_several_pages(notebook):
    def rejection(number):
        return {
            "intent": f"i{number}", "deployment": "sma", "portfolio": "p", "instrument": "A", "stage": 1,
            "code": "HALTED", "scope": "global", "observed": "", "limit": "",
            "message": f"number {number}", "time": NOW,
        }  # fmt: skip

    pages = [{"items": [rejection(3), rejection(2)], "next": "c"}, {"items": [rejection(1), rejection(0)]}]
    notebook.gateway.answers["GET /rejections"] = pages
    notebook.run("rejections -d sma -n 3")
    assert [line for line in notebook.text.split() if line.isdecimal()] == ["1", "2", "3"]
    assert dict(notebook.gateway.requests[0].url.params) == {"limit": "3", "deployment": "sma"}


def test_halt_names_the_scope_and_what_is_canceled(notebook):
    notebook.gateway.answers["POST /halts"] = {"halt": HALT, "sealed": True, "working": ["o1"]}
    notebook.run("halt -d sma --reason 'two words'")
    assert notebook.gateway.bodies() == [
        {"scope": "deployment", "scope_id": "sma", "reason": "two words", "reduce_only": False}
    ]
    assert "halted: deployment sma" in notebook.text
    assert "order o1" in notebook.text


def test_a_halt_that_is_not_sealed_says_so(notebook):
    notebook.gateway.answers["POST /halts"] = {"halt": HALT, "sealed": False, "working": []}
    notebook.run("halt -d sma --reason x")
    assert "a send was still in flight" in notebook.text


def test_resume_says_that_trading_is_allowed(notebook):
    notebook.gateway.answers["POST /halts/resume"] = {**HALT, "state": "active"}
    notebook.run("resume -d sma --reason x")
    assert "active: deployment sma" in notebook.text


def test_a_refusal_is_a_message_with_what_to_do_and_no_traceback(notebook):
    refusal = problem(403, "FORBIDDEN", "A viewer may not start deployments.", "Ask an admin for another role.")
    notebook.gateway.answers["POST /deployments/sma/start"] = refusal
    notebook.run("start sma")
    assert notebook.text == ("error: A viewer may not start deployments.\nwhat to do: Ask an admin for another role.")


def test_an_ended_session_says_where_to_log_in(notebook):
    notebook.gateway.answers["GET /releases"] = problem(401, "UNAUTHENTICATED", "Not logged in.", "")
    notebook.run("releases")
    assert "http://gateway/login, then restart this kernel" in notebook.text


def test_a_field_that_the_gateway_would_refuse_is_named(notebook):
    notebook.run(f"halt --global --reason {'x' * 501}")
    assert "reason: String should have at most 500 characters" in notebook.text


def test_without_a_gateway_the_message_says_how_to_log_in(notebook, monkeypatch):
    monkeypatch.delenv("MILLSTREAM_URL")
    del notebook.magics.session.client
    notebook.run("orders")
    assert "MILLSTREAM_URL is not set" in notebook.text
    assert "millstream up" in notebook.text


def test_doctor_runs_on_this_machine(notebook, monkeypatch):
    ran = []
    monkeypatch.setattr(researching, "run_command", ran.append)
    notebook.run("doctor --json")
    assert ran == [["doctor", "--json"]]


def test_a_command_without_parameters_takes_no_cell(notebook):
    notebook.run("orders", "fast = 1")
    assert "%%ms orders takes no cell" in notebook.text
