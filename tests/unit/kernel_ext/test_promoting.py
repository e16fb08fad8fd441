import pytest
from unit.kernel_ext.conftest import NOW, problem

RUNNING = {"operation_id": "op1", "kind": "promote", "state": "running", "steps": ["inspected"], "created_at": NOW}
RESULT = {"deployment": "sma_cross", "release": "sma_cross@1", "target": "paper"}
DONE = {**RUNNING, "state": "done", "steps": ["inspected", "started"], "result": RESULT}
INSPECTION = {
    "notebook": "sma.ipynb",
    "name": "sma",
    "parameters": [
        {"name": "fast", "kind": "int", "default": 10},
        {"name": "symbol", "kind": "str", "default": "AAPL"},
        {"name": "weights", "kind": "list", "default": []},
    ],
}


@pytest.fixture
def promoting(notebook):
    notebook.gateway.answers |= {
        "GET /notebooks": INSPECTION,
        "POST /promotions": RUNNING,
        "GET /operations/op1": DONE,
    }
    return notebook


def test_a_promotion_shows_its_steps_and_what_came_of_it(promoting):
    promoting.run("promote sma.ipynb --capital 5000 --name mine")
    assert "sma_cross = sma_cross@1 on paper" in promoting.text
    assert "· inspected\n· started" in promoting.text
    assert promoting.gateway.bodies() == [
        {"notebook": "sma.ipynb", "target": "paper", "capital": "5000", "name": "mine", "parameters": {}}
    ]


def test_parameters_of_the_line_get_the_declared_types(promoting):
    promoting.run("promote sma.ipynb -p fast=20 -p symbol=7203 -p weights=1,2 -p unknown=x")
    assert promoting.gateway.bodies()[0]["parameters"] == {
        "fast": 20, "symbol": "7203", "weights": [1, 2], "unknown": "x",
    }  # fmt: skip


def test_parameters_may_stand_in_the_cell(promoting):
    promoting.run("promote sma.ipynb", "# the slow one\nfast = 20\nsymbol = 'MSFT'\nweights: list = [0.5]\n")
    assert promoting.gateway.bodies()[0]["parameters"] == {"fast": 20, "symbol": "MSFT", "weights": [0.5]}


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("fast = open('x')", "not a value that is written out"),
        ("print(1)", "line 1 of the cell is not NAME = VALUE"),
        ("fast = ", "line 1 of the cell: invalid syntax"),
    ],
)
def test_a_cell_of_something_else_is_refused_and_not_run(promoting, cell, says):
    promoting.run("promote sma.ipynb", cell)
    assert says in promoting.text
    assert promoting.gateway.bodies() == []


@pytest.mark.parametrize("given", ["-p fast=1 -p fast=2", "-p fast"])
def test_parameters_that_are_twice_or_no_pair_are_refused(promoting, given):
    promoting.run(f"promote sma.ipynb {given}")
    assert "error: " in promoting.text
    assert promoting.gateway.bodies() == []


def test_a_viewer_is_told_what_to_do(promoting):
    refusal = problem(403, "FORBIDDEN", "Your role may not promote.", "Ask an admin.")
    promoting.gateway.answers["POST /promotions"] = refusal
    promoting.run("promote sma.ipynb")
    assert promoting.text == "error: Your role may not promote.\nwhat to do: Ask an admin."


def test_a_failed_promotion_says_why(promoting):
    why = {"title": "no", "status": 422, "code": "INVALID_INPUT", "detail": "no strategy in it", "hint": "Add run()."}
    promoting.gateway.answers["GET /operations/op1"] = {**RUNNING, "state": "failed", "problem": why}
    promoting.run("promote sma.ipynb")
    assert "error: no strategy in it\nwhat to do: Add run()." in promoting.text


def test_an_interrupt_leaves_the_promotion_running_and_says_how_to_follow_it(promoting, monkeypatch):
    def interrupted(operation, progress):
        progress("inspected")
        raise KeyboardInterrupt

    monkeypatch.setattr(promoting.magics.session.client, "follow", interrupted)
    promoting.run("promote sma.ipynb")
    assert "goes on at the gateway; %ms follow op1" in promoting.text
    monkeypatch.undo()
    monkeypatch.setenv("MILLSTREAM_URL", "http://gateway")
    promoting.run("follow op1")
    assert "sma_cross = sma_cross@1 on paper" in promoting.text


def test_an_interrupt_before_the_gateway_answered_says_that_nobody_knows(promoting, monkeypatch):
    def interrupted(request):
        raise KeyboardInterrupt

    monkeypatch.setattr(promoting.magics.session.client, "promote", interrupted, raising=False)
    promoting.run("promote sma.ipynb")
    assert "may have begun all the same" in promoting.text


def test_limits_come_from_a_file(promoting, tmp_path):
    file = tmp_path / "limits.json"
    file.write_text('{"max_order_qty": "500"}')
    promoting.run(f"promote sma.ipynb --limits {file}")
    assert promoting.gateway.bodies()[0]["limits"] == {"max_order_qty": "500"}
    file.write_text("[]")
    promoting.run(f"promote sma.ipynb --limits {file}")
    assert "not a JSON object" in promoting.text


def test_a_notebook_is_named_from_here_absolutely_or_as_jupyterlab_does(promoting, monkeypatch, tmp_path):
    folder = tmp_path / "strategies"
    folder.mkdir()
    file = folder / "sma.ipynb"
    file.touch()
    monkeypatch.setenv("JUPYTER_SERVER_ROOT", str(tmp_path))
    monkeypatch.chdir(folder)
    for named in ("sma.ipynb", str(file), "strategies/sma.ipynb"):
        promoting.run(f"promote {named}")
    assert [body["notebook"] for body in promoting.gateway.bodies()] == ["strategies/sma.ipynb"] * 3


def test_a_notebook_outside_the_workspace_is_refused(promoting, monkeypatch, tmp_path):
    (tmp_path / "other.ipynb").touch()
    (tmp_path / "workspace").mkdir()
    monkeypatch.setenv("JUPYTER_SERVER_ROOT", str(tmp_path / "workspace"))
    promoting.run(f"promote {tmp_path / 'other.ipynb'}")
    assert "outside the workspace" in promoting.text
    assert promoting.gateway.requests == []
